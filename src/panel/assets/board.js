// The notice board: written, drawn and taken away here; what hangs on it is read when the state says that it changed.
import { $, attr, list, node, notice, pause, post, read, say, show, text } from '/dom.js';

const SHEET = [1000, 600]; // as the box keeps it
const STROKES = 24;
const POINTS = 48;
const INK = '#1e2a2c';

let state = null;
let known = null; // number of the board that is shown
let reading = false;
let notes = [];

export async function renderBoard(newest, steers) {
  state = newest;
  // Nothing of the room stays in a page whose guest is out.
  if (!steers) [known, notes] = [null, []];
  renderNotes();
  if (reading || !steers) return;
  reading = true;
  while (known !== state.board) {
    const answer = await read('/api/notes');
    if (!answer) break;
    known = answer.number;
    ({ notes } = answer);
    renderNotes();
    // The state that says so may still be on its way.
    if (known !== state.board) await pause(100);
  }
  reading = false;
}

function renderNotes() {
  const rows = notes.map((note) => ({ ...note, room: note.near ? state.name : state.far_name || say('far_room') }));
  list('notes', rows, row, say('no_notes'));
}

function row({ id, name, room, written_ms: written, text: words, strokes }) {
  const who = name ? `${name}（${room}）` : room;
  const time = new Date(written).toLocaleString(document.documentElement.lang, { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  const what = words ?? say('drawn_note');
  return [node('li', {},
    node('p', { class: 'note-head' }, node('b', {}, who), node('time', {}, time)),
    strokes ? picture(strokes) : node('p', { class: 'note-words' }, words),
    node('button', { class: 'text', 'data-ask': JSON.stringify({ ask: 'take_note', note: id }), 'aria-label': say('take_note_name', { name: what }) }, say('take_note')))];
}

function picture(strokes) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [name, value] of [['viewBox', `0 0 ${SHEET[0]} ${SHEET[1]}`], ['class', 'drawn'], ['role', 'img'], ['aria-label', say('drawn_note')]]) svg.setAttribute(name, value);
  for (const stroke of strokes) {
    const line = document.createElementNS(svg.namespaceURI, 'polyline');
    // A dot is a line to itself.
    line.setAttribute('points', [...stroke, stroke[0]].slice(0, Math.max(2, stroke.length)).join(' '));
    svg.append(line);
  }
  return svg;
}

$('note-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const words = $('note-text').value.trim();
  if (!words) return $('note-text').focus();
  const answer = await post('/api/ask', { ask: 'note', text: words }, $('note-post'));
  if (answer?.answer === 'accepted') $('note-text').value = '';
});

// ---- drawing -------------------------------------------------------------------------------------------------------------

let strokes = [];
let drawing = null; // the line under the finger

$('note-draw').addEventListener('click', () => {
  const opens = $('note-sheet').hidden;
  show('note-sheet', opens);
  attr($('note-draw'), 'aria-expanded', String(opens));
  if (opens) clear();
});
$('sheet-clear').addEventListener('click', clear);
$('sheet-post').addEventListener('click', async () => {
  if (strokes.length === 0) return notice(say('nothing_drawn'));
  const answer = await post('/api/ask', { ask: 'drawn_note', strokes: strokes.map((stroke) => stroke.flat()) }, $('sheet-post'));
  if (answer?.answer !== 'accepted') return;
  show('note-sheet', false);
  attr($('note-draw'), 'aria-expanded', 'false');
});

const sheet = $('sheet');
sheet.addEventListener('pointerdown', (event) => {
  if (drawing || event.button !== 0) return;
  if (strokes.length >= STROKES) return notice(say('sheet_full'));
  sheet.setPointerCapture(event.pointerId);
  drawing = { pointer: event.pointerId, points: [place(event)] };
  redraw();
});
sheet.addEventListener('pointermove', (event) => {
  if (drawing?.pointer !== event.pointerId) return;
  for (const moved of event.getCoalescedEvents?.() ?? [event]) {
    const [point, last] = [place(moved), drawing.points.at(-1)];
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= 2) drawing.points.push(point);
  }
  redraw();
});
for (const end of ['pointerup', 'pointercancel']) {
  sheet.addEventListener(end, (event) => {
    if (drawing?.pointer !== event.pointerId) return;
    strokes.push(fewer(drawing.points));
    drawing = null;
    redraw();
  });
}

function clear() {
  [strokes, drawing] = [[], null];
  redraw();
}

function place(event) {
  const box = sheet.getBoundingClientRect();
  const at = (value, length, most) => Math.min(most, Math.max(0, Math.round((value / length) * most)));
  return [at(event.clientX - box.left, box.width, SHEET[0]), at(event.clientY - box.top, box.height, SHEET[1])];
}

/** The same line of so few points as the box takes: what lies on a straight way is left out (Douglas and Peucker 1973). */
function fewer(points) {
  for (let off = 2; ; off *= 1.5) {
    const left = simpler(points, off);
    if (left.length <= POINTS) return left;
  }
}

function simpler(points, off) {
  const [from, to] = [points[0], points.at(-1)];
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  const away = ([x, y]) => (length === 0 ? Math.hypot(x - from[0], y - from[1]) : Math.abs(dy * (x - from[0]) - dx * (y - from[1])) / length);
  let [farthest, most] = [0, 0];
  points.forEach((point, at) => {
    if (away(point) > most) [farthest, most] = [at, away(point)];
  });
  if (most <= off || points.length < 3) return points.length === 1 || (length === 0 && most <= off) ? [from] : [from, to];
  return [...simpler(points.slice(0, farthest + 1), off).slice(0, -1), ...simpler(points.slice(farthest), off)];
}

function redraw() {
  const pen = sheet.getContext('2d');
  pen.clearRect(0, 0, ...SHEET);
  Object.assign(pen, { strokeStyle: INK, lineWidth: 10, lineCap: 'round', lineJoin: 'round' });
  for (const stroke of [...strokes, ...(drawing ? [drawing.points] : [])]) {
    pen.beginPath();
    pen.moveTo(...stroke[0]);
    // A line without a length is not drawn at all.
    pen.lineTo(stroke[0][0] + 0.1, stroke[0][1]);
    for (const point of stroke.slice(1)) pen.lineTo(...point);
    pen.stroke();
  }
  text('sheet-left', say('strokes_left', { n: STROKES - strokes.length }));
}
