// The installer's page: updates of this box, and help for the other one.
//
//   file ─► PUT from where the box has it ─► broken? asks what is there, goes on ─► checked ─► install
//   far box's PIN + one of a few things ─► POST /api/far ─► GET /api/far until it is done ─► text to read and save
import { $, attr, notice, pause, post, prop, read, say, show, text } from '/dom.js';

const LOOK_MS = 2_000;
const AGAIN_MS = 1_500;
const MOST_TRIES = 20; // without one more byte; half a minute
const FAR_MS = 1_000;

let looking = null;
let known = null; // as the box told last
let sending = false;
let asking = false;
let saved = null;

export function renderUpdate(may, shown) {
  if (!may) {
    $('far-pin').value = '';
    tellPaper('');
    text('far-answer', '');
  }
  if (!may || !shown) {
    clearInterval(looking);
    looking = null;
    return;
  }
  looking ??= setInterval(look, LOOK_MS, look());
}

async function look() {
  if (sending) return;
  known = (await read('/api/update')) ?? known;
  if (!known || sending) return;
  tell(known.text, ['receiving', 'installing'].includes(known.state) ? known.percent : null);
}

function tell(sentence, percent) {
  text('release-near', known.release);
  text('release-far', known.far_release || '–');
  text('update-state', sentence);
  show('update-progress', percent !== null);
  if (percent !== null) prop($('update-progress'), 'value', percent);
  const works = ['receiving', 'checking', 'installing'].includes(known.state);
  prop($('update-file'), 'disabled', sending);
  show('update-install', known.waits && !works && !sending && known.state !== 'installed');
  const { passing } = known;
  const goes = ['waits', 'goes'].includes(passing?.state);
  show('update-pass', known.waits && known.state !== 'receiving' && !sending && !goes);
  text('pass-state', passing ? `${passing.text}${passing.state === 'goes' ? ` ${passing.percent} %` : ''}` : '');
}

// ---- a bundle on its way ---------------------------------------------------------------------------------------------------------

$('update-file').addEventListener('change', async () => {
  const [file] = $('update-file').files;
  if (!file || sending) return;
  sending = true;
  text('update-answer', '');
  const answer = await send(file).catch(() => ({ answer: 'denied', text: say('update_unread') }));
  sending = false;
  $('update-file').value = '';
  text('update-answer', answer.answer === 'denied' ? answer.text : '');
  if (answer.answer === 'accepted') notice(answer.text);
  look();
});

/** The same file is known again, also after this page was closed. */
async function nameOf({ name, size, lastModified }) {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${name}\n${size}\n${lastModified}`));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function send(file) {
  const id = await nameOf(file);
  let answer = { answer: 'denied', text: say('update_broken') };
  let furthest = 0;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    if (tries > 0) await pause(AGAIN_MS);
    const found = await read('/api/update');
    if (!found) continue;
    known = found;
    if (file.size > found.most) return { answer: 'denied', text: say('update_too_large') };
    const { part } = found;
    const here = part && part.id === id && part.length === file.size ? part.here : 0;
    if (here > furthest) [furthest, tries] = [here, 0];
    const told = await put(`/api/update?id=${id}&length=${file.size}&offset=${here}`, file, here);
    if (!told) continue;
    answer = told;
    if (!['other_offset', 'busy', 'too_slow', 'not_understood'].includes(told.why)) return told;
  }
  return answer;
}

/** By the one kind of request that tells how far it is. Null when the line broke. */
function put(path, file, from) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open('PUT', path);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.addEventListener('progress', ({ loaded }) => {
      const percent = Math.floor(((from + loaded) / file.size) * 100);
      tell(say('update_sending', { percent }), percent);
    });
    for (const ends of ['error', 'abort', 'timeout']) request.addEventListener(ends, () => done(null));
    request.addEventListener('load', () => done(request.response));
    request.send(file.slice(from));
  });
}

for (const what of ['install', 'pass']) {
  $(`update-${what}`).addEventListener('click', async () => {
    const answer = await post(`/api/update/${what}`, {}, $(`update-${what}`), true);
    if (!answer) return;
    notice(answer.text);
    look();
  });
}

// ---- the other box ---------------------------------------------------------------------------------------------------------------

$('far-form').noValidate = true;
$('far-form').addEventListener('submit', (event) => event.preventDefault());
for (const button of document.querySelectorAll('[data-far]')) {
  button.addEventListener('click', async () => {
    if (asking) return;
    const pin = $('far-pin').value.normalize('NFKC');
    if (!pin) return $('far-pin').focus();
    tellPaper('');
    const answer = await post('/api/far', { pin, do: button.dataset.far }, button, true);
    if (!answer) return;
    if (answer.answer === 'denied') return text('far-answer', answer.text);
    asking = true;
    attr(button, 'aria-busy', 'true');
    await follow();
    attr(button, 'aria-busy', 'false');
    asking = false;
  });
}

async function follow() {
  for (;;) {
    const told = await read('/api/far');
    if (told) {
      text('far-answer', told.text);
      if (told.why === 'wrong_pin') $('far-pin').select();
      if (!['asked', 'granted'].includes(told.state)) return tellPaper(told.state === 'done' ? told.paper : '');
    }
    if (!looking) return;
    await pause(FAR_MS);
  }
}

function tellPaper(paper) {
  text('far-paper', paper);
  show('far-paper', Boolean(paper));
  show('far-save', Boolean(paper));
  if (saved) URL.revokeObjectURL(saved);
  saved = paper ? URL.createObjectURL(new Blob([paper], { type: 'text/plain' })) : null;
  attr($('far-save'), 'href', saved);
}
