// The page: one event stream in, presses out. It keeps nothing that the box does not say.
//
//   /api/events ──► state ──► render ──► the page          a press ──► POST what the control says now ──► answer
//
// May be relied on: while the stream is silent the page is greyed and inert; a control whose meaning has just changed takes
// no press, so that nobody opens what they meant to close.
import { languages } from '/words.js';

const $ = (id) => document.getElementById(id);
const SILENT_MS = 12_500; // the box says something every 10 s
const RETRY_MS = 500;
const ANSWER_MS = 5_000;
const JUST_CHANGED_MS = 350; // quicker than people read
const NOTICE_MS = 10_000;
const PREVIEW_MS = 1_000;
const LEDGER_FIRST = 30;

let state = null;
let heardAt = 0; // when the newest state came, by performance.now
let lost = false;
let wasAdmitted = false;
let hasEnded = false;
let words = languages[navigator.language.startsWith('en') ? 'en' : 'ja'];
const pause = (ms) => new Promise((go) => setTimeout(go, ms));
const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// ---- the event stream ----------------------------------------------------------------------------------------------------

let stream = new AbortController();

// Read by hand and not by EventSource, which hides the box's pings: without them a line that died silently looks alive.
async function listen() {
  for (;;) {
    stream = new AbortController();
    let overdue;
    const alive = () => {
      clearTimeout(overdue);
      overdue = setTimeout(() => stream.abort(), SILENT_MS);
    };
    try {
      alive();
      const response = await fetch('/api/events', { signal: stream.signal, cache: 'no-store', headers: { accept: 'text/event-stream' } });
      if (!response.ok) {
        if (!state) write($('start').firstElementChild, (await response.json()).text);
        throw new Error(response.statusText);
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        alive();
        const events = (text + value).split('\n\n');
        text = events.pop();
        const newest = events.filter((event) => event.startsWith('data:')).pop();
        if (newest) hear(JSON.parse(newest.slice(5)));
      }
    } catch (_) {
      // Said by the greyed page.
    }
    clearTimeout(overdue);
    setLost(true);
    await pause(RETRY_MS);
  }
}

function hear(next) {
  const ends = wasAdmitted && next.you.state === 'unknown';
  wasAdmitted = next.you.state === 'admitted';
  hasEnded = (hasEnded || ends) && !wasAdmitted;
  state = next;
  heardAt = performance.now();
  if (next.language in languages) words = languages[next.language];
  setLost(false);
  render();
}

let focusWas = null;
function setLost(now) {
  if (lost === (now && state !== null)) return;
  lost = !lost;
  if (lost) focusWas = document.activeElement;
  show('lost', lost);
  for (const part of document.querySelectorAll('.top, main > section, .notice, .band')) prop(part, 'inert', lost);
  document.body.classList.toggle('stale', lost);
  if (!lost) focusWas?.focus();
  else if (wasAdmitted) {
    attr($('band'), 'data-mic', 'unknown');
    text('mic-name', say('mic_unknown'));
    text('mic-line', say('mic_unknown_line'));
  }
}

addEventListener('offline', () => stream.abort());
addEventListener('online', () => lost && stream.abort());

// ---- presses -------------------------------------------------------------------------------------------------------------

/** Sends a wish; the element shows at once that it was pressed. Returns the answer, with its sentence shown unless `quiet`. */
async function post(path, body, element, quiet = false) {
  if (element?.getAttribute('aria-busy') === 'true') return null;
  element?.setAttribute('aria-busy', 'true');
  let answer;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body), signal });
    answer = await response.json();
  } catch (_) {
    answer = { answer: 'denied', text: say('no_answer') };
  }
  element?.setAttribute('aria-busy', 'false');
  if (!quiet) notice(answer.answer === 'accepted' ? '' : answer.text);
  return answer;
}

let noticeEnds;
function notice(sentence) {
  clearTimeout(noticeEnds);
  $('notice').firstElementChild.textContent = sentence ?? '';
  show('notice', Boolean(sentence));
  if (sentence) noticeEnds = setTimeout(() => notice(''), NOTICE_MS);
}

/** What a press of this control asks from now on. */
function meaning(element, ask) {
  const wish = JSON.stringify(ask);
  if (element.dataset.ask === wish) return;
  element.dataset.ask = wish;
  element.changedAt = performance.now();
}

document.addEventListener('click', (event) => {
  const control = event.target.closest('[data-ask]');
  if (!control || lost || event.timeStamp - (control.changedAt ?? -JUST_CHANGED_MS) < JUST_CHANGED_MS) return;
  post(control.dataset.post ?? '/api/ask', JSON.parse(control.dataset.ask), control);
});

$('code').addEventListener('input', ({ target }) => {
  // Full-width digits are what a Japanese keyboard gives.
  target.value = target.value.normalize('NFKC').replace(/\D/g, '').slice(0, 6);
  text('door-answer', '');
});
$('enter').noValidate = true;
$('enter').addEventListener('submit', async (event) => {
  event.preventDefault();
  const code = $('code').value;
  if (code.length !== 6) return refuse('code', 'door-answer', say('door_six'));
  const answer = await post('/api/enter', { code, name: guestName() }, $('enter').querySelector('.primary'), true);
  if (answer && answer.answer === 'denied') refuse('code', 'door-answer', answer.text);
  else if (answer) $('code').value = '';
});
$('wait').addEventListener('click', async () => {
  const answer = await post('/api/wait', { name: guestName() }, $('wait'), true);
  text('door-answer', answer?.answer === 'denied' ? answer.text : '');
});
$('pin-form').noValidate = true;
$('pin-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const pin = $('pin').value.normalize('NFKC');
  const answer = await post('/api/installer', { pin }, $('pin-form').querySelector('.primary'), true);
  if (answer && answer.answer === 'denied') refuse('pin', 'pin-answer', answer.text);
  else if (answer) $('pin').value = '';
});
$('set-clock').addEventListener('click', async () => {
  const answer = await post('/api/clock', { unix_ms: Date.now() }, $('set-clock'), true);
  if (answer) notice(answer.text || say('done'));
  look();
});
$('ledger-all').addEventListener('click', () => renderLedger(Infinity));
$('preview-toggle').addEventListener('click', () => {
  prop($('preview'), 'hidden', !$('preview').hidden);
  render();
});

function refuse(input, place, sentence) {
  text(place, sentence);
  $(input).select();
  $(input).focus();
}

function guestName() {
  const name = $('name').value.trim() || say('door_default');
  localStorage.setItem('name', name);
  return name;
}

// The slider follows the finger at once and the box at most ten times a second.
let volumeDue = null;
let volumeHeld = 0;
function wishVolume(volume) {
  $('volume').value = volume;
  volumeHeld = performance.now();
  text('volume-text', volumeWords(volume));
  volumeDue ??= setTimeout(() => {
    volumeDue = null;
    post('/api/ask', { ask: 'volume', volume: Number($('volume').value) });
  }, 100);
}
$('volume').addEventListener('input', () => wishVolume(Number($('volume').value)));
$('softer').addEventListener('click', () => wishVolume(Math.max(0, Number($('volume').value) - 10)));
$('louder').addEventListener('click', () => wishVolume(Math.min(100, Number($('volume').value) + 10)));
const volumeWords = (volume) => (volume === 0 ? say('muted') : `${volume}%`);

// ---- the page from the state ---------------------------------------------------------------------------------------------

function render() {
  translate();
  const { you } = state;
  const admitted = you.state === 'admitted';
  const page = ['#set', '#installer'].find((hash) => hash === location.hash) ?? '#remote';
  const screen = page === '#installer' ? 'installer' : admitted ? page.slice(1) : 'door';
  const before = document.body.dataset.screen;
  if (before !== screen) {
    document.body.dataset.screen = screen;
    for (const name of ['start', 'door', 'remote', 'set', 'installer']) show(name, name === screen);
    scrollTo(0, 0);
    // A keyboard is at hand where a mouse is; on a phone it would cover the page.
    if (screen === 'door' && matchMedia('(hover: hover)').matches) $('code').focus();
    else if (before !== 'start') [...$(screen).querySelectorAll('h1')].find((title) => title.checkVisibility())?.focus();
  }
  for (const link of $('top').querySelectorAll('nav a')) attr(link, 'aria-current', link.hash === page ? 'page' : null);
  show('top', admitted);
  show('band', admitted);
  if (admitted) {
    renderTop();
    renderMicrophone();
    renderRemote();
    list('facts', state.set, ({ what, fact }) => [node('div', {}, node('dt', {}, what), node('dd', {}, fact))]);
    readLedgerIfNew(screen);
  } else {
    document.title = `${state.name} — Engawa`;
    renderDoor();
  }
  renderInstaller(admitted, screen === 'installer');
  previewLoop();
}

function translate() {
  const language = words === languages.ja ? 'ja' : 'en';
  if (document.documentElement.lang === language && document.body.dataset.said) return;
  document.documentElement.lang = language;
  document.body.dataset.said = 'yes';
  for (const element of document.querySelectorAll('[data-w]')) element.textContent = say(element.dataset.w);
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', say(element.dataset.label));
  $('name').value ||= localStorage.getItem('name') ?? say('door_default');
}

function renderDoor() {
  const waits = state.you.state === 'waiting';
  text('door-room', state.name);
  show('door-ask', !waits);
  show('door-waits', waits);
  text('door-why', say(state.locked ? 'door_locked' : hasEnded ? 'door_ended' : 'door_hint'));
  $('door-why').classList.toggle('says', state.locked || hasEnded);
}

function renderTop() {
  const far = state.far_name || say('far_room');
  document.title = `${far} — Engawa`;
  text('near-name', state.name);
  text('far-name', far);
  attr($('link'), 'data-link', state.link);
  text('link-text', say(`link_${state.link}`));
  show('sealed', state.sealed);
  attr($('sealed'), 'title', say('sealed'));
}

function renderMicrophone() {
  const { microphone, microphone_wanted: wanted, missing } = state;
  const leaves = microphone === 'open';
  const kind =
    leaves ? (wanted ? 'open' : 'closing')
    : missing.includes('microphone') ? 'missing'
    : microphone === 'levels-only' && !wanted ? 'levels'
    : wanted ? 'opening' : 'closed';
  attr($('band'), 'data-mic', kind);
  attr($('mic-icon'), 'href', leaves ? '#i-mic' : '#i-mic-off');
  text('mic-name', say(`mic_${kind}`));
  text('mic-line', say(`mic_${kind}_line`));
  const offered = state.mode === 'talking' || state.mode === 'meeting';
  $('mic-act').className = !wanted && !leaves && offered ? 'primary' : '';
  const press = wanted || leaves ? 'mic_do_close' : 'mic_do_open';
  text('mic-act-long', say(press));
  text('mic-act-short', say(`${press}_short`));
  attr($('mic-act'), 'aria-label', say(press));
  meaning($('mic-act'), { ask: 'microphone', open: !(wanted || leaves) });
  level('mic-bar', leaves ? state.levels?.heard_dbfs : null);
}

function renderRemote() {
  const { near, mode } = state;
  const scene = heroScene();
  attr($('hero'), 'data-kind', scene.kind);
  text('mode-name', say(scene.name));
  text('mode-line', scene.line);
  show('act', Boolean(scene.act));
  if (scene.act) {
    text('act-name', say(scene.act));
    text('act-line', say(`${scene.act}_is`));
    attr($('act').querySelector('use'), 'href', scene.icon);
    meaning($('act'), scene.ask);
  }
  show('act-no', scene.kind === 'knocked');
  text('act-no', say('act_send_away'));
  meaning($('act-no'), { ask: 'cancel' });
  show('clock', state.meeting_since_s !== null);
  for (const button of $('modes').children) {
    const itself = button.dataset.mode;
    attr(button, 'aria-pressed', String(itself === 'curtain' ? near === 'curtain' : itself === mode));
  }
  renderBanner();

  text('far-mic', say({ open: 'is_open', closed: 'is_closed', 'levels-only': 'is_levels' }[state.far_microphone]));
  if (performance.now() - volumeHeld > 1_000) {
    prop($('volume'), 'value', String(state.volume));
    text('volume-text', volumeWords(state.volume));
  }

  const seen = (camera, veil, own) =>
    camera === 'live' && veil !== 'clear' ? `${own}_${veil}` : `${own}_${camera}`;
  text('camera', say(seen(state.camera, state.veil, 'cam')));
  const far = say(seen(state.far_camera, state.far_veil, 'far'));
  text('far-camera', state.far_view && state.far_camera === 'live' ? `${state.far_view}・${far}` : far);
  show('views-row', state.views.length > 1);
  list('views', state.views.map((name, view) => ({ name, view, on: view === state.view })), ({ name, view, on }) => [
    node('button', { 'data-ask': JSON.stringify({ ask: 'view', view }), 'aria-pressed': String(on) }, name),
  ]);
  for (const button of $('veils').children) attr(button, 'aria-pressed', String(button.dataset.veil === state.veil));
  flip('follow', state.follow_turns, (follow) => ({ ask: 'follow_turns', follow }));
  flip('own-picture', state.own_picture, (shown) => ({ ask: 'own_picture', shown }));
  const shown = !$('preview').hidden;
  attr($('preview-toggle'), 'aria-expanded', String(shown));
  write($('preview-toggle').querySelector('span'), say(shown ? 'preview_hide' : 'preview_show'));

  list('guests', state.guests, guestRow, say('nobody'));
  flip('lock', state.locked, (locked) => ({ ask: 'lock', locked }));
  flip('show-code', state.show_code, (now) => ({ ask: 'show_code', shown: now }));
  show('remove-all', state.guests.length > 1);

  list('missing', state.missing, (device) => [node('p', { class: 'fault' }, say(`device_${device}`))]);
  show('words-row', Boolean(state.words));
  list('words', (state.words ?? '').split(' ').filter(Boolean), (word) => [node('li', {}, word)]);
  list('meetings', state.meetings, (meeting) => [node('li', {}, node('span', {}, meeting.started), node('b', {}, say('minutes', { n: meeting.minutes })))], say('no_meetings'));
  show('sleep', near !== 'asleep');
  tick();
}

/** What stands on top: what is so, and the one thing most likely wanted next. */
function heroScene() {
  const { near, far, mode, link, sentence } = state;
  const mode_is = (wish) => ({ ask: 'mode', mode: wish });
  if (near === 'asleep') return { kind: 'asleep', name: 'asleep', line: say('asleep_line'), act: 'act_wake', icon: '#i-quiet', ask: mode_is('quiet') };
  if (near === 'curtain') return { kind: 'curtain', name: 'curtain', line: say('curtain_line'), act: 'act_lift', icon: '#i-curtain', ask: mode_is('quiet') };
  if (link !== 'up') return { kind: 'lost', name: `link_${link}`, line: sentence ?? say('not_linked_line') };
  if (far === 'asleep') return { kind: 'asleep', name: 'asleep', line: say('far_asleep_line') };
  if (far === 'curtain') return { kind: 'curtain', name: 'curtain', line: say('far_curtain_line') };
  if (state.knocked) return { kind: 'knocked', name: 'knocked', line: say('knocked_line'), act: 'act_answer', icon: '#i-mic', ask: { ask: 'answer' } };
  if (state.knocking) return { kind: 'knocking', name: 'knocking', line: say('knocking_line'), act: 'act_cancel', icon: '#i-stop', ask: { ask: 'cancel' } };
  switch (mode) {
    case 'talking': return { kind: mode, name: mode, line: say('talking_line'), act: 'act_end_talk', icon: '#i-quiet', ask: mode_is('quiet') };
    case 'meeting': return { kind: mode, name: mode, line: say('meeting_line'), act: 'act_end_meeting', icon: '#i-quiet', ask: mode_is('quiet') };
    case 'curtain':
    case 'asleep': return { kind: mode, name: mode, line: say(`far_${mode}_line`) };
    default: return { kind: 'quiet', name: 'quiet', line: say('quiet_line'), act: 'act_knock', icon: '#i-knock', ask: { ask: 'knock' } };
  }
}

/** News that the hero does not carry: a guest at the door, a turned camera, a fault beside a good link. */
function renderBanner() {
  const waiting = state.guests.find((guest) => !guest.admitted);
  const kind = state.banner?.kind;
  const banner =
    kind === 'turning' ? { text: state.banner.text, no: ['cancel', { ask: 'cancel' }] }
    : kind === 'denied' ? { text: state.banner.text, no: ['cancel', { ask: 'cancel' }] }
    : waiting ? { text: `${waiting.name} — ${say('waits')}`, yes: ['admit', { ask: 'admit', guest: waiting.id }], no: ['refuse', { ask: 'refuse', guest: waiting.id }] }
    : state.sentence && state.link === 'up' ? { text: state.sentence }
    : null;
  show('banner', banner !== null);
  if (!banner) return text('banner-text', '');
  text('banner-text', banner.text);
  for (const which of ['yes', 'no']) {
    show(`banner-${which}`, which in banner);
    if (banner[which]) {
      text(`banner-${which}`, say(banner[which][0]));
      meaning($(`banner-${which}`), banner[which][1]);
    }
  }
}

function guestRow(guest) {
  const press = (key, className) =>
    node('button', { class: className, 'data-ask': JSON.stringify({ ask: key, guest: guest.id }), 'aria-label': say(`${key}_name`, guest) }, say(key));
  const about = guest.id === state.you.id ? say('this_one') : guest.admitted ? '' : say('waits');
  const name = node('span', {}, node('b', {}, guest.name), about && node('small', {}, about));
  return guest.admitted ? [node('li', {}, name, press('remove', ''))] : [node('li', { class: 'waits' }, name, press('refuse', ''), press('admit', 'primary'))];
}

// Seconds between two states: the box says since when, the page counts.
function tick() {
  if (!state || lost) return;
  const passed = (performance.now() - heardAt) / 1000;
  if (state.meeting_since_s !== null && state.meeting_since_s !== undefined) {
    const whole = Math.floor(state.meeting_since_s + passed);
    const two = (number) => String(number).padStart(2, '0');
    text('clock', `${whole >= 3600 ? `${Math.floor(whole / 3600)}:` : ''}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`);
  }
  if (wasAdmitted) text('link-since', `${say(`link_${state.link}`)}　${say('since', { time: duration(state.since_s + passed) })}`);
  text('clock-here', new Date().toLocaleString(document.documentElement.lang));
}
setInterval(tick, 1_000);

function duration(seconds) {
  if (seconds < 1) return say('seconds', { n: 1 });
  if (seconds < 60) return say('seconds', { n: Math.floor(seconds) });
  if (seconds < 3600) return say('mins', { n: Math.floor(seconds / 60) });
  if (seconds < 86400) return say('hours', { h: Math.floor(seconds / 3600), m: Math.floor(seconds / 60) % 60 });
  return say('days', { n: Math.floor(seconds / 86400) });
}

// ---- ledger, preview, installer --------------------------------------------------------------------------------------------

let ledgerOf = '';
let ledgerLines = [];
function readLedgerIfNew(screen) {
  if (screen !== 'set') return;
  const { mode, microphone, camera, veil, guests, near } = state;
  const now = JSON.stringify([mode, microphone, camera, veil, guests, near]);
  if (now === ledgerOf) return;
  ledgerOf = now;
  // The line is being written while the state is told.
  setTimeout(async () => {
    const answer = await read('/api/ledger');
    if (!answer) return;
    ledgerLines = answer.lines.sort((one, other) => other.number - one.number);
    renderLedger(LEDGER_FIRST);
  }, 200);
}

function renderLedger(most) {
  const lines = ledgerLines.slice(0, most);
  list('ledger', lines, ({ number, time, text: what }) => [
    node('tr', {}, node('td', {}, String(number)), node('td', {}, time), node('td', {}, what)),
  ]);
  show('ledger-all', lines.length < ledgerLines.length);
}

let previewing = false;
/** Draws what leaves the camera, about once a second, for as long as a place for it is on the page. */
async function previewLoop() {
  if (previewing) return;
  previewing = true;
  for (;;) {
    const place = [...document.querySelectorAll('.preview')].find((figure) => figure.checkVisibility());
    if (!place || document.hidden || lost) break;
    const began = performance.now();
    const canvas = place.firstElementChild;
    let picture = null;
    try {
      const response = await fetch('/api/own.jpg', { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) });
      if (response.ok) picture = await createImageBitmap(await response.blob());
    } catch (_) {
      // Said below.
    }
    place.classList.toggle('empty', !picture);
    write(place.lastElementChild, say(picture ? 'preview_live' : 'preview_none'));
    if (picture) {
      prop(canvas, 'width', picture.width);
      prop(canvas, 'height', picture.height);
      canvas.getContext('2d').drawImage(picture, 0, 0);
      picture.close();
    }
    await pause(Math.max(0, PREVIEW_MS - (performance.now() - began)));
  }
  previewing = false;
}

let looking = null;
function renderInstaller(admitted, shown) {
  const may = Boolean(state.you.installer);
  show('pin-card', !may);
  show('install', may);
  show('pin-back', !admitted);
  if (shown && may) {
    for (const side of ['heard', 'played']) {
      const dbfs = state.levels?.[`${side}_dbfs`];
      text(side, dbfs === undefined || dbfs === null ? '–' : `${Math.round(dbfs)} dBFS`);
      level(`${side}-bar`, dbfs);
    }
    looking ??= setInterval(look, 2_000, look());
  } else if (looking) {
    clearInterval(looking);
    looking = null;
  }
}

async function look() {
  const found = await read('/api/devices');
  if (!found) return;
  const kinds = ['cameras', 'microphones', 'speakers', 'screens'].filter((kind) => Array.isArray(found[kind]));
  list('devices', kinds.map((kind) => ({ kind, all: found[kind] })), ({ kind, all }) => [
    node('h3', {}, say(kind)),
    node('ul', { class: 'plain devices' }, ...(all.length ? all.map(device) : [node('li', { class: 'muted' }, say('none_found'))])),
  ]);
}

const device = ({ name, id, used }) =>
  node('li', { class: used ? 'used' : '' }, node('span', {}, node('b', {}, name), id && id !== name && node('small', {}, id)), used && node('em', {}, say('used')));

async function read(path) {
  try {
    const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) });
    return response.ok ? await response.json() : null;
  } catch (_) {
    return null;
  }
}

// ---- touching the page only where it differs -----------------------------------------------------------------------------------

function prop(element, name, value) {
  if (element[name] !== value) element[name] = value;
}

function attr(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function write(element, value) {
  prop(element, 'textContent', value);
}

function text(id, value) {
  write($(id), value);
}

function show(id, shown) {
  prop($(id), 'hidden', !shown);
}

function flip(id, on, ask) {
  attr($(id), 'aria-checked', String(on));
  meaning($(id), ask(!on));
}

/** A bar from silence (−60 dBFS) to full (0). */
function level(id, dbfs) {
  const share = dbfs === null || dbfs === undefined ? 0 : Math.min(1, Math.max(0, (dbfs + 60) / 60));
  $(id).style.transform = `scaleX(${share.toFixed(2)})`;
}

function node(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value) element.setAttribute(key, value);
  element.append(...children.filter(Boolean));
  return element;
}

/** Made anew only when it differs; the focus stays on the same press. */
function list(id, items, make, empty = '') {
  const place = $(id);
  const now = JSON.stringify([items, empty, words === languages.ja]);
  if (place.made === now) return;
  place.made = now;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.ask : undefined;
  place.replaceChildren(...items.flatMap(make));
  if (items.length === 0 && empty) place.append(node(place.tagName === 'UL' ? 'li' : 'p', { class: 'muted' }, empty));
  if (focused) [...place.querySelectorAll('[data-ask]')].find((control) => control.dataset.ask === focused)?.focus();
}

addEventListener('hashchange', () => state && render());
addEventListener('visibilitychange', () => state && previewLoop());
translate();
listen();
