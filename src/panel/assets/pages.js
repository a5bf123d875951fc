// The page in front, on one's own PC or phone: point, draw, look closer. What others see is what the box says.
//
//   move, press ──► places on the page, 0 … 10000 ──► the box ──► both screens          /api/page, /api/ink ──► this picture
import { $, attr, list, meaning, node, post, read, say, show, text } from '/dom.js';

const SEND_MS = 50; // between two places of a pointer
const PIECE_MS = 120; // a line is sent while it is drawn
const MOST_POINTS = 32; // of one piece; the box takes 64
const SAME = 20; // ten thousandths: closer places are one
const COLOURS = { true: '#1f5fd6', false: '#d22f6e' }; // as on the screens: the offering box's room, the other one
const WIDTHS = [480, 960, 1920];
const THUMBS = 3; // before and after the page in front

let front = null;
let tool = 'point';
let lines = [];
let inkOf = '';
let drawing = null; // the line under the pen
let waiting = []; // drawn here, not yet in what the box says
let ours = false; // this room's colour

export function renderPage(state) {
  front = state.documents.find((document) => document.front) ?? null;
  ours = state.offers;
  const here = Boolean(front) && state.page?.state === 'here';
  show('page-view', here);
  show('thumbs', here && front.pages > 1);
  if (!here) {
    (inkOf = ''), (lines = []), (waiting = []);
    return;
  }
  const width = WIDTHS.find((width) => width >= $('page-view').clientWidth * devicePixelRatio) ?? WIDTHS.at(-1);
  attr($('page-picture'), 'src', pictureOf(front, front.page, width));
  attr($('page-picture'), 'alt', say('page_alt', { name: front.name, n: front.page + 1 }));
  meaning($('whole'), { ask: 'zoom', zoom: 1000, corner: [0, 0], document: front.id });
  const zoomed = front.zoom > 1000;
  show('page-frame', zoomed);
  const frame = $('page-frame').style;
  [frame.left, frame.top] = front.corner.map((edge) => `${edge / 10}%`);
  frame.width = frame.height = `${100_000 / front.zoom}%`;
  for (const button of $('tools').children) attr(button, 'aria-pressed', String(button.dataset.tool === tool));
  text('tool-is', say(`tool_${tool}_is`));
  show('zoom-row', tool === 'zoom' || zoomed);
  show('wipe', lines.length > 0);
  const page = `${front.id} ${front.page}`;
  const ink = `${page} ${front.ink}`;
  if (ink !== inkOf) {
    if (!inkOf.startsWith(`${page} `)) {
      // The line under the pen stays on the page where it was begun.
      sendPiece(true);
      (lines = []), (waiting = []), (drawing = null);
    }
    inkOf = ink;
    readInk(front.id, front.page, ink);
  }
  const first = Math.max(0, Math.min(front.page - THUMBS, front.pages - 2 * THUMBS - 1));
  const count = Math.min(front.pages, 2 * THUMBS + 1);
  const pages = Array.from({ length: count }, (_, at) => ({ id: front.id, page: first + at, on: first + at === front.page }));
  list('thumbs', pages, ({ id, page: at, on }) => [
    node('li', {}, node('button', { 'data-ask': JSON.stringify({ ask: 'page', page: at, document: id }), 'aria-pressed': String(on), 'aria-label': say('to_page', { n: at + 1 }) },
      node('img', { src: pictureOf({ id }, at, 160), role: 'presentation', loading: 'lazy' }), String(at + 1))),
  ]);
}

export const pictureOf = ({ id }, page, width) => `/api/page?document=${id}&page=${page}&width=${width}`;

// ---- what is drawn -------------------------------------------------------------------------------------------------------

async function readInk(document, page, of) {
  const answer = await read(`/api/ink?document=${document}&page=${page}`);
  if (inkOf !== of) return;
  if (!answer) {
    // Asked again with the next state.
    inkOf = `${document} ${page} ?`;
    return;
  }
  lines = answer.lines;
  // What was drawn here and is said by the box now is no longer drawn twice.
  waiting = waiting.filter((line) => !line.sent);
  show('wipe', lines.length > 0);
  drawInk();
}

function drawInk() {
  const canvas = $('page-ink');
  const { clientWidth, clientHeight } = $('page-picture');
  canvas.width = clientWidth * devicePixelRatio;
  canvas.height = clientHeight * devicePixelRatio;
  const pen = canvas.getContext('2d');
  pen.lineCap = pen.lineJoin = 'round';
  pen.lineWidth = Math.max(2, canvas.width / 250);
  for (const { offerer, points } of [...lines, ...waiting, ...(drawing ? [drawing] : [])]) {
    pen.strokeStyle = COLOURS[offerer] ?? '#555';
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo((x / 10_000) * canvas.width, (y / 10_000) * canvas.height);
    if (points.length === 1) pen.lineTo((points[0][0] / 10_000) * canvas.width + 0.1, (points[0][1] / 10_000) * canvas.height);
    pen.stroke();
  }
}
$('page-picture').addEventListener('load', drawInk);
// A picture that did not come is asked for again: the box draws one after the other.
for (const place of ['page-view', 'thumbs', 'documents']) {
  $(place).addEventListener('error', ({ target }) => {
    const tries = Number(target.dataset.tries ?? 0);
    if (target.tagName !== 'IMG' || tries >= 5) return;
    target.dataset.tries = tries + 1;
    const { src } = target;
    setTimeout(() => target.src === src && (target.src = src), 1_500);
  }, true);
}

/** Nothing of a meeting stays in a browser that has no part in it any more. */
export function forgetPages() {
  $('page-picture').removeAttribute('src');
  attr($('page-picture'), 'alt', '');
  $('page-ink').width = 0;
  (front = null), (lines = []), (waiting = []), (drawing = null), (inkOf = ''), (keptOf = null);
  for (const id of ['thumbs', 'documents', 'kept']) {
    $(id).replaceChildren();
    $(id).made = undefined;
  }
}
addEventListener('resize', drawInk);

/** Sends what is drawn so far; the next piece begins where this one ends. */
function sendPiece(ends) {
  if (!drawing || drawing.points.length < (ends ? 1 : 2)) return;
  const piece = { offerer: drawing.offerer, points: drawing.points, sent: false };
  waiting.push(piece);
  const { id, page } = drawing;
  drawing = ends ? null : { ...drawing, points: [piece.points.at(-1)], since: performance.now() };
  sending = sending.then(async () => {
    const answer = await post('/api/ask', { ask: 'draw', document: id, page, points: piece.points });
    piece.sent = true;
    if (answer?.answer !== 'accepted') waiting = waiting.filter((line) => line !== piece);
    drawInk();
  });
}
let sending = Promise.resolve();

// ---- pointing ------------------------------------------------------------------------------------------------------------

let pointAt;
let pointing = false;
/** The newest place, one at a time. */
async function point(at) {
  pointAt = { document: front.id, page: front.page, at };
  if (pointing) return;
  pointing = true;
  while (pointAt) {
    const ask = { ask: 'point', ...pointAt };
    pointAt = null;
    const began = performance.now();
    await post('/api/ask', ask, null, true);
    await new Promise((go) => setTimeout(go, Math.max(0, SEND_MS - (performance.now() - began))));
  }
  pointing = false;
}

// ---- looking closer ------------------------------------------------------------------------------------------------------

let zoomDue = null;
let zoomWish = null;
function zoomTo(zoom, [x, y]) {
  const within = Math.round(Math.min(8000, Math.max(1000, zoom)));
  const half = 500_000 / within;
  const corner = [x / 10, y / 10].map((middle) => Math.round(Math.min(1000 - 2 * half, Math.max(0, middle - half))));
  zoomWish = { ask: 'zoom', zoom: within, corner, document: front.id };
  zoomDue ??= setTimeout(() => {
    zoomDue = null;
    post('/api/ask', zoomWish, null, true);
  }, 80);
}
const middle = () => front.corner.map((edge) => edge * 10 + 5_000_000 / front.zoom);
$('closer').addEventListener('click', () => front && zoomTo(front.zoom * 1.5, middle()));
$('farther').addEventListener('click', () => front && zoomTo(front.zoom / 1.5, middle()));
$('page-stage').addEventListener('keydown', (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!front || front.zoom <= 1000 || !step) return;
  event.preventDefault();
  zoomTo(front.zoom, middle().map((at, way) => at + (step[way] * 2_000_000) / front.zoom));
});

// ---- mouse, finger, pen --------------------------------------------------------------------------------------------------

const stage = $('page-stage');
function place(event) {
  const box = $('page-picture').getBoundingClientRect();
  const along = (at, from, length) => Math.round(Math.min(1, Math.max(0, (at - from) / length)) * 10_000);
  return [along(event.clientX, box.left, box.width), along(event.clientY, box.top, box.height)];
}
stage.addEventListener('pointerdown', (event) => {
  if (!front || event.button !== 0) return;
  stage.setPointerCapture(event.pointerId);
  if (tool === 'draw') drawing = { id: front.id, page: front.page, offerer: ours, points: [place(event)], since: performance.now() };
  if (tool === 'zoom') zoomTo(front.zoom > 1000 ? front.zoom : 2000, place(event));
  if (tool !== 'zoom') point(place(event));
});
stage.addEventListener('pointermove', (event) => {
  if (!front) return;
  const at = place(event);
  if (tool === 'zoom' && event.buttons & 1) zoomTo(Math.max(front.zoom, 2000), at);
  if (tool === 'zoom' || !(event.buttons & 1)) return;
  point(at);
  if (!drawing) return;
  const last = drawing.points.at(-1);
  if (Math.abs(last[0] - at[0]) + Math.abs(last[1] - at[1]) < SAME) return;
  drawing.points.push(at);
  if (drawing.points.length >= MOST_POINTS || performance.now() - drawing.since > PIECE_MS) sendPiece(false);
  drawInk();
});
const lifts = (event) => {
  sendPiece(true);
  drawing = null;
  if (front && tool !== 'zoom') point(null);
};
stage.addEventListener('pointerup', lifts);
stage.addEventListener('pointercancel', lifts);


$('tools').addEventListener('click', (event) => {
  const button = event.target.closest('[data-tool]');
  if (!button || !front) return;
  tool = button.dataset.tool;
  for (const other of $('tools').children) attr(other, 'aria-pressed', String(other === button));
  text('tool-is', say(`tool_${tool}_is`));
  show('zoom-row', tool === 'zoom' || front.zoom > 1000);
});
$('wipe').addEventListener('click', () => front && post('/api/ask', { ask: 'wipe', document: front.id, page: front.page }, $('wipe')));

// ---- what was kept -------------------------------------------------------------------------------------------------------

let keptOf = null;
/** Asked again whenever something may have been kept or taken away. */
export function renderKept(state) {
  const now = JSON.stringify([state.you.id, state.documents.map(({ id, keeping }) => [id, keeping])]);
  if (now === keptOf) return;
  keptOf = now;
  // It is being written while the state is told.
  setTimeout(readKept, 400);
}

async function readKept() {
  const answer = await read('/api/kept');
  if (!answer) return;
  show('kept-card', answer.kept.length > 0);
  list('kept', answer.kept, ({ id, name, until_s: until }) => [
    node('li', {},
      node('span', {}, name, node('small', {}, say('kept_until', { date: new Date(until * 1000).toLocaleDateString(document.documentElement.lang) }))),
      node('a', { class: 'button', href: `/api/kept/file?document=${id}`, download: name }, say('fetch')),
      node('button', { class: 'text', 'data-post': '/api/kept/forget', 'data-ask': JSON.stringify({ document: id }), 'aria-label': say('forget_name', { name }) }, say('forget'))),
  ]);
}
$('kept').addEventListener('click', () => setTimeout(readKept, 400));

/** How far keeping is, and the press that goes with it. */
export function keepPress({ id, name, keeping }) {
  const press = (keep, key, className) =>
    node('button', { class: className, 'data-ask': JSON.stringify({ ask: 'keep', document: id, keep }), 'aria-label': say(`${key}_name`, { name }) }, say(key));
  switch (keeping) {
    case 'near': return [node('small', {}, say('keep_waits')), press(false, 'keep_not', 'text')];
    case 'far': return [node('small', {}, say('keep_asked')), press(true, 'keep_yes', 'primary')];
    case 'both': return [node('small', {}, say('keep_writes'))];
    case 'kept': return [node('small', {}, say('keep_done'))];
    case 'no_place': return [node('small', {}, say('keep_no_place')), press(true, 'keep', 'text')];
    default: return [press(true, 'keep', 'text')];
  }
}
