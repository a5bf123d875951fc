// The page: one event stream in, presses out. It keeps nothing that the box does not say.
//
//   /api/events ──► state ──► render ──► the page          a press ──► POST what the control says now ──► answer
//
// May be relied on: while the stream is silent the page is greyed and inert; a control whose meaning has just changed takes
// no press, so that nobody opens what they meant to close.
import { $, attr, language, list, node, notice, ownPicture, pause, post, prop, read, say, show, speak, text, write } from '/dom.js';
import { drawStage, renderInstaller } from '/installer.js';
import { renderUpdate } from '/update.js';
import { renderBoard } from '/board.js';
import { renderDocuments } from '/documents.js';
import { forgetPages } from '/pages.js';
import { renderFloor } from '/floor.js';
import { renderLive } from '/live.js';
import { renderMicrophone, renderRemote, renderTop } from '/remote.js';

const SILENT_MS = 12_500; // the box says something every 10 s
const RETRY_MS = 500;
const JUST_CHANGED_MS = 350; // quicker than people read
const PREVIEW_MS = 1_000;
const LEDGER_FIRST = 30;

let state = null;
let heardAt = 0; // when the newest state came, by performance.now
let lost = false;
let wasAdmitted = false;
let steered = false;
let hasEnded = false;

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
  const steers = wasAdmitted && next.guests.some((guest) => guest.id === next.you.id && guest.admitted);
  if (steered && !steers) {
    forgetPages();
    for (const place of ['hands', 'poll-choices', 'poll-question', 'page-says']) $(place).replaceChildren();
    $('hands').made = $('poll-choices').made = undefined;
  }
  steered = steers;
  state = next;
  heardAt = performance.now();
  speak(next.language);
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

// ---- the page from the state ---------------------------------------------------------------------------------------------

function render() {
  translate();
  const { you } = state;
  const admitted = you.state === 'admitted';
  // The PIN sets things up; who steers the room has typed its code or was let in.
  const steers = admitted && state.guests.some((guest) => guest.id === you.id && guest.admitted);
  const page = ['#set', '#installer'].find((hash) => hash === location.hash) ?? '#remote';
  const screen = page === '#installer' ? 'installer' : steers || (admitted && page === '#set') ? page.slice(1) : 'door';
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
  show('mic-act', steers);
  if (admitted) {
    renderTop(state);
    renderMicrophone(state);
    renderRemote(state);
    renderDocuments(state);
    renderFloor(state, steers);
    renderLive(state, steers);
    renderBoard(state, steers);
    tick();
    list('facts', state.set, ({ what, fact }) => [node('div', {}, node('dt', {}, what), node('dd', {}, fact))]);
    readLedgerIfNew(screen);
  } else {
    document.title = `${state.name} — Engawa`;
  }
  if (!admitted) {
    renderBoard(state, false);
    renderLive(state, false);
  }
  if (!steers) renderDoor();
  renderInstaller(state, admitted, screen === 'installer');
  renderUpdate(Boolean(state.you.installer), screen === 'installer');
  previewLoop();
}

function translate() {
  const spoken = language();
  if (document.documentElement.lang === spoken && document.body.dataset.said) return;
  document.documentElement.lang = spoken;
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

// ---- clocks ----------

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

// ---- ledger, preview --------------------------------------------------------------------------------------------

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
    const canvas = place.querySelector('canvas');
    const { view } = state;
    const picture = await ownPicture();
    // A picture of the view before would be drawn in the wrong place.
    if (state.view !== view) continue;
    let caption = say(picture ? 'preview_live' : 'preview_none');
    place.classList.toggle('empty', !picture);
    if (picture && place.id === 'stage-figure') caption = drawStage(canvas, picture);
    else if (picture) {
      prop(canvas, 'width', picture.width);
      prop(canvas, 'height', picture.height);
      canvas.getContext('2d').drawImage(picture, 0, 0);
    }
    picture?.close();
    write(place.lastElementChild, caption);
    await pause(Math.max(0, PREVIEW_MS - (performance.now() - began)));
  }
  previewing = false;
}

addEventListener('hashchange', () => {
  notice('');
  if (state) render();
});
addEventListener('visibilitychange', () => state && previewLoop());
translate();
listen();
