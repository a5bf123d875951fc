// The installer's page: devices, levels, clock; and what is set, drawn on the live picture or typed, saved as a whole.
//
//   GET /api/settings ─► model ─► rows and rectangles          save ─► POST all of it ─► the box begins anew ─► the page comes back
//
// Numbers are percent of the camera's whole picture, whichever part of it is being sent.
import { $, attr, level, list, node, notice, post, prop, read, say, show, text, write } from '/dom.js';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const EDGES = ['left', 'top', 'width', 'height'];
const RETRY_MS = 2_000;
const LEAST = 1; // percent: what the configuration takes

let state = null;
let model = null; // what is edited
let running = null; // what counts now
let picked = null; // the mask or view that a drag on the picture draws
let pin = ''; // known until the page is closed, so that saving does not ask for it again
let resumes = false;
let looking = null;
let lesson; // as told last

export function renderInstaller(next, admitted, shown) {
  state = next;
  const told = lesson;
  lesson = state.lesson?.text ?? '';
  const may = Boolean(state.you.installer);
  show('pin-card', !may);
  show('install', may);
  show('pin-back', !admitted);
  if (may && !model) load();
  if (!may) {
    model = null;
    if (resumes) resume();
  }
  if (!shown || !may) {
    clearInterval(looking);
    looking = null;
    return;
  }
  if (lesson && told !== undefined && lesson !== told) notice(lesson);
  for (const side of ['heard', 'played']) {
    const dbfs = state.levels?.[`${side}_dbfs`];
    text(side, dbfs === undefined || dbfs === null ? '–' : `${Math.round(dbfs)} dBFS`);
    level(`${side}-bar`, dbfs);
  }
  looking ??= setInterval(look, 2_000, look());
  for (const button of $('view-rows').querySelectorAll('[data-show]')) attr(button, 'aria-pressed', String(Number(button.dataset.show) === state.view));
}

// ---- who is the installer ------------------------------------------------------------------------------------------------

$('pin-form').noValidate = true;
$('pin-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const typed = $('pin').value.normalize('NFKC');
  const answer = await post('/api/installer', { pin: typed }, $('pin-form').querySelector('.primary'), true);
  if (!answer) return;
  text('pin-answer', answer.answer === 'denied' ? answer.text : '');
  if (answer.answer === 'denied') return $('pin').select();
  $('pin').value = '';
  pin = typed;
});

/** After saving: the box has forgotten everybody. A room code is another one by now, then this is asked again. */
async function resume() {
  resumes = false;
  if (!pin) return text('pin-answer', say('pin_again'));
  const answer = await post('/api/installer', { pin }, $('pin-form').querySelector('.primary'), true);
  if (answer?.answer === 'denied') text('pin-answer', say('pin_again'));
}

$('set-clock').addEventListener('click', async () => {
  const answer = await post('/api/clock', { unix_ms: Date.now() }, $('set-clock'), true);
  if (answer) notice(answer.text || say('done'));
  look();
});

async function look() {
  const found = await read('/api/devices');
  if (!found) return;
  const kinds = ['cameras', 'microphones', 'speakers'];
  list('devices', kinds.map((kind) => ({ kind, all: found[kind] })), ({ kind, all }) => [
    node('h3', {}, say(kind)),
    node('ul', { class: 'plain devices' }, ...(all.length ? all.map(device) : [node('li', { class: 'muted' }, say('none_found'))])),
  ]);
}

const device = ({ name, id, used }) =>
  node('li', { class: used ? 'used' : '' }, node('span', {}, node('b', {}, name), id && id !== name && node('small', {}, id)), used && node('em', {}, say('used')));

// ---- what is set, as the box writes it, and as it is edited here ---------------------------------------------------------------

async function load() {
  model = {};
  prop($('settings'), 'inert', true);
  const settings = await read('/api/settings');
  // A quiet room sends no state for long: it is tried again by itself.
  if (!settings) return setTimeout(() => { if (state.you.installer) load(); else model = null; }, RETRY_MS);
  prop($('settings'), 'inert', false);
  running = parse(settings);
  model = structuredClone(running);
  picked = null;
  fill();
}

const parts = (written) => written.split(';').map((part) => part.trim()).filter(Boolean);
const numbers = (written) => written.split(',').map(Number);

function parse({ camera, meeting, room, line }) {
  const views = parts(camera.views).map((view) => {
    const [name, look] = [view.slice(0, view.indexOf('=')).trim(), view.slice(view.indexOf('=') + 1).trim()];
    const kind = look === 'all' ? 'all' : look.startsWith('crop:') ? 'crop' : 'other';
    return { name, kind, look, area: kind === 'crop' ? numbers(look.slice(5)) : [25, 25, 50, 50] };
  });
  if (views.length === 0) views.push({ name: state.views[0] ?? '全体', kind: 'all', look: 'all', area: [25, 25, 50, 50] });
  const hours = /^(\w+)(?:-(\w+))?\s+(\d+:\d+)\s*-\s*(\d+:\d+)$/.exec(room.hours.trim());
  return {
    views,
    masks: parts(camera.masks).map((area) => ({ area: numbers(area) })),
    meeting: meeting.view,
    follow: meeting.follow_turns,
    opens: Boolean(hours),
    hours: hours ? [hours[1], hours[2] ?? hours[1], hours[3].padStart(5, '0'), hours[4].padStart(5, '0')] : ['mon', 'fri', '08:30', '17:15'],
    holidays: room.holidays,
    quiet: room.quiet_after_seconds,
    ceiling: line.ceiling_kbps,
  };
}

function written({ views, masks, meeting, follow, opens, hours, holidays, quiet, ceiling }) {
  const looks = ({ name, kind, look, area }) => `${name}=${kind === 'crop' ? `crop:${area}` : kind === 'all' ? 'all' : look}`;
  return {
    camera: { views: views.map(looks).join('; '), masks: masks.map(({ area }) => String(area)).join('; ') },
    meeting: { view: meeting, follow_turns: follow },
    room: { hours: opens ? `${hours[0]}-${hours[1]} ${hours[2]}-${hours[3]}` : '', holidays, quiet_after_seconds: quiet },
    line: { ceiling_kbps: ceiling },
  };
}

/** Everything from the model: after loading, adding and taking away. What is typed only changes the model. */
function fill() {
  $('mask-rows').replaceChildren(...model.masks.map(maskRow));
  $('view-rows').replaceChildren(...model.views.map(viewRow));
  show('no-masks', model.masks.length === 0);
  for (const [place, id] of ['day-from', 'day-to'].entries()) {
    $(id).replaceChildren(...DAYS.map((day) => new Option(say(day), day)));
    $(id).value = model.hours[place];
  }
  $('time-from').value = model.hours[2];
  $('time-to').value = model.hours[3];
  $('quiet-after').value = model.quiet;
  $('ceiling').value = model.ceiling;
  changed();
}

/** What follows from a change: rectangles, hint, names to choose from, switches. */
function changed() {
  const names = ['', ...model.views.map(({ name }) => name)];
  $('meeting-view').replaceChildren(...names.map((name) => new Option(name || say('meeting_stays'), name)));
  if (!names.includes(model.meeting)) model.meeting = '';
  $('meeting-view').value = model.meeting;
  for (const [id, on] of [['set-follow', model.follow], ['set-opens', model.opens], ['set-holidays', model.holidays]]) attr($(id), 'aria-checked', String(on));
  show('hours-fields', model.opens);
  const shapes = [
    ...model.masks.map((mask, place) => ({ ...shape(mask), label: String(place + 1), kind: 'mask' })),
    ...model.views.filter(({ kind }) => kind === 'crop').map((view) => ({ ...shape(view), label: view.name, kind: 'part' })),
  ];
  list('shapes', shapes, ({ label, kind, picked: own }) => [node('div', { class: `shape ${kind}${own ? ' picked' : ''}` }, node('span', {}, label))]);
  shapes.forEach(({ area: [x, y, width, height] }, place) => {
    Object.assign($('shapes').children[place].style, { left: `${x}%`, top: `${y}%`, width: `${width}%`, height: `${height}%` });
  });
  for (const button of document.querySelectorAll('.areas [data-pick]')) attr(button, 'aria-pressed', String(button.of === picked));
  write($('stage-hint'), picked === null ? say('draw_new') : say('draw_again', { name: nameOf(picked) }));
  text('settings-answer', '');
  text('unsaved', isChanged() ? say('unsaved') : '');
}

const shape = (one) => ({ area: one.area, picked: one === picked });
const nameOf = (one) => (model.masks.includes(one) ? say('mask_n', { n: model.masks.indexOf(one) + 1 }) : one.name);
const isChanged = () => JSON.stringify(written(model)) !== JSON.stringify(written(running));

// ---- rows --------------------------------------------------------------------------------------------------------------------

const inputsOf = new WeakMap();

function edges(one) {
  const inputs = [];
  inputsOf.set(one, inputs);
  return node('div', { class: 'edges' }, ...EDGES.map((edge, place) => {
    const input = node('input', { type: 'number', min: place < 2 ? '0' : String(LEAST), max: '100', step: '0.1', inputmode: 'decimal', required: 'required' });
    input.value = one.area[place];
    input.addEventListener('input', () => {
      one.area[place] = Math.round((input.valueAsNumber || 0) * 10) / 10;
      changed();
    });
    inputs.push(input);
    return node('label', {}, say(edge), input);
  }));
}

function button(key, press, values) {
  const made = node('button', { type: 'button', 'aria-label': values && say(`${key}_name`, values) }, say(key));
  made.addEventListener('click', press);
  return made;
}

function pick(one, values) {
  const made = button('draw', () => {
    picked = picked === one ? null : one;
    changed();
  }, values);
  made.of = one;
  made.dataset.pick = 'yes';
  return made;
}

function takeAway(from, one, values) {
  return button('take_away', () => {
    from.splice(from.indexOf(one), 1);
    if (picked === one) picked = null;
    fill();
    $(from === model.masks ? 'add-mask' : 'add-view').focus();
  }, values);
}

function maskRow(mask, place) {
  const name = say('mask_n', { n: place + 1 });
  return node('li', {}, node('div', { class: 'row' }, node('b', {}, name), pick(mask, { name }), takeAway(model.masks, mask, { name })), edges(mask));
}

function viewRow(view) {
  const name = node('input', { maxlength: '32', required: 'required' });
  name.value = view.name;
  name.addEventListener('input', () => {
    // These two part views in the box's own notation.
    const called = name.value.replace(/[;=]/g, '').trim();
    if (model.meeting === view.name) model.meeting = called;
    view.name = called;
    changed();
  });
  const kind = node('select', {}, ...['all', 'crop', ...(view.kind === 'other' ? ['other'] : [])].map((kind) => new Option(say(`view_${kind}`), kind)));
  kind.value = view.kind;
  kind.addEventListener('change', () => {
    view.kind = kind.value;
    picked = view.kind === 'crop' ? view : null;
    fill();
  });
  const at = running.views.findIndex((known) => known.name === view.name);
  const known = at < 0 ? [] : [showButton(at, view), teachButton(at, view)];
  const draws = view.kind === 'crop' ? [pick(view, view)] : [];
  const goes = model.views.length > 1 ? [takeAway(model.views, view, view)] : [];
  return node('li', {},
    node('div', { class: 'pair-of-fields' }, node('label', {}, say('view_name'), name), node('label', {}, say('view_shows'), kind)),
    view.kind === 'crop' && edges(view),
    node('div', { class: 'row' }, ...draws, ...known, ...goes));
}

function showButton(view, { name }) {
  const made = button('show_view', () => post('/api/ask', { ask: 'view', view }, made), { name });
  made.dataset.show = String(view);
  attr(made, 'aria-pressed', String(view === state.view));
  return made;
}

function teachButton(view, { name }) {
  const made = button('teach', async () => {
    const answer = await post('/api/ask', { ask: 'teach', view }, made, true);
    if (answer && answer.answer !== 'accepted') notice(answer.text);
  }, { name });
  return made;
}

function add(to, one) {
  to.push(one);
  picked = one.kind === 'all' ? null : one;
  fill();
}
$('add-mask').addEventListener('click', () => {
  add(model.masks, { area: [40, 40, 20, 20] });
  inputsOf.get(picked)[0].select();
});
$('add-view').addEventListener('click', () => {
  add(model.views, { name: say('view_new', { n: model.views.length + 1 }), kind: 'crop', look: '', area: [25, 25, 50, 50] });
  $('view-rows').lastElementChild.querySelector('input').select();
});
for (const [id, key] of [['set-follow', 'follow'], ['set-opens', 'opens'], ['set-holidays', 'holidays']]) {
  $(id).addEventListener('click', () => {
    model[key] = !model[key];
    changed();
  });
}
for (const [place, id] of ['day-from', 'day-to', 'time-from', 'time-to'].entries()) {
  $(id).addEventListener('input', () => {
    model.hours[place] = $(id).value;
    changed();
  });
}
$('meeting-view').addEventListener('input', () => { model.meeting = $('meeting-view').value; changed(); });
$('quiet-after').addEventListener('input', () => { model.quiet = $('quiet-after').valueAsNumber || 0; changed(); });
$('ceiling').addEventListener('input', () => { model.ceiling = $('ceiling').valueAsNumber || 0; changed(); });

// ---- the picture --------------------------------------------------------------------------------------------------------------

/** The camera's whole picture with the part of it that is being sent; what is not sent stays dark. */
export function drawStage(canvas, picture) {
  const view = running?.views[state.view];
  const [x, y, w, h] = view?.kind === 'crop' ? view.area.map((percent) => percent / 100) : [0, 0, 1, 1];
  const { width, height } = picture;
  prop(canvas, 'width', width);
  prop(canvas, 'height', height);
  const brush = canvas.getContext('2d');
  brush.clearRect(0, 0, width, height);
  if (view?.kind === 'other') return say('stage_other');
  // A part of another shape than the picture's is sent with borders.
  const scale = Math.min(1 / w, 1 / h);
  const [shownWidth, shownHeight] = [w * width * scale, h * height * scale];
  brush.drawImage(picture, (width - shownWidth) / 2, (height - shownHeight) / 2, shownWidth, shownHeight, x * width, y * height, w * width, h * height);
  return say(view?.kind === 'crop' ? 'stage_part' : 'preview_live', view);
}

const inside = (percent) => Math.min(100, Math.max(0, percent));
let drag = null;
function at(event) {
  const { left, top, width, height } = $('stage').getBoundingClientRect();
  return [inside(((event.clientX - left) / width) * 100), inside(((event.clientY - top) / height) * 100)];
}
$('stage').addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  event.preventDefault();
  drag = { from: at(event), one: picked };
  $('stage').setPointerCapture(event.pointerId);
});
$('stage').addEventListener('pointermove', (event) => {
  if (!drag) return;
  const [[x, y], [toX, toY]] = [drag.from, at(event)];
  const area = [Math.min(x, toX), Math.min(y, toY), Math.abs(x - toX), Math.abs(y - toY)].map((percent) => Math.round(percent * 10) / 10);
  if (area[2] < LEAST || area[3] < LEAST) return;
  area[2] = Math.round(Math.min(area[2], 100 - area[0]) * 10) / 10;
  area[3] = Math.round(Math.min(area[3], 100 - area[1]) * 10) / 10;
  if (!drag.one) {
    drag.one = { area };
    add(model.masks, drag.one);
  }
  drag.one.area.splice(0, 4, ...area);
  inputsOf.get(drag.one).forEach((input, place) => { input.value = area[place]; });
  changed();
});
for (const ends of ['pointerup', 'pointercancel']) {
  $('stage').addEventListener(ends, () => {
    // The next one is a new mask again.
    if (drag?.one && model.masks.includes(drag.one)) picked = null;
    drag = null;
    changed();
  });
}

// ---- saving -------------------------------------------------------------------------------------------------------------------

$('settings').noValidate = true;
$('settings').addEventListener('submit', async (event) => {
  event.preventDefault();
  const answer = await post('/api/settings', written(model), $('save'), true);
  if (!answer) return;
  text('settings-answer', answer.answer === 'denied' ? answer.text : '');
  if (answer.answer === 'denied') return;
  notice(answer.text);
  if (answer.answer === 'accepted') {
    resumes = true;
    running = structuredClone(model);
    changed();
  }
});
$('undo').addEventListener('click', load);

// ---- forgetting everything ------------------------------------------------------------------------------------------------------

$('reset').noValidate = true;
$('reset').addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = { pin: $('reset-pin').value.normalize('NFKC'), name: $('reset-name').value.trim() };
  const answer = await post('/api/reset', body, $('reset-do'), true);
  if (!answer) return;
  $('reset-pin').value = '';
  text('reset-answer', answer.text);
  if (answer.answer === 'accepted') prop($('install'), 'inert', true);
});
