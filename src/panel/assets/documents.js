// Documents: chosen or dropped here, turned from here; what stands on the screens is the state's.
import { $, attr, list, meaning, node, notice, say, show, text } from '/dom.js';
import { keepPress, pictureOf, renderKept, renderPage } from '/pages.js';

const TYPES = /\.(pdf|png|jpe?g)$/i;
const LONGEST = 100 * 1024 * 1024; // bytes, as the box takes them
let sending = null;

export function renderDocuments(state) {
  const { documents, page } = state;
  const front = documents.find((document) => document.front);
  show('page-turn', Boolean(front));
  if (front) {
    meaning($('page-previous'), { ask: 'previous_page', document: front.id });
    meaning($('page-next'), { ask: 'next_page', document: front.id });
    text('page-of', say('page_of', { n: front.page + 1, pages: front.pages }));
    attr($('page-previous'), 'aria-disabled', String(front.page === 0));
    attr($('page-next'), 'aria-disabled', String(front.page + 1 >= front.pages));
  }
  const words = sending ?? state.document_fault ?? page?.text;
  show('page-says', Boolean(words));
  text('page-says', words ?? '');
  const percent = sending || state.document_fault ? null : page?.percent ?? null;
  show('page-percent', percent !== null);
  if (percent !== null) $('page-percent').value = percent;
  renderPage(state);
  renderKept(state);
  const rows = documents.map(({ id, name, page, front, keeping, here }) => ({ id, name, page, front, keeping, here }));
  list('documents', rows, ({ id, name, page, front, keeping, here }) => [
    node('li', {},
      here && node('img', { src: pictureOf({ id }, page, 96), role: 'presentation', loading: 'lazy' }),
      node('span', {}, name, ...keepPress({ id, name, keeping })),
      front ? node('b', {}, say('in_front')) : node('button', { 'data-ask': JSON.stringify({ ask: 'front', document: id }), 'aria-label': say('to_front_name', { name }) }, say('to_front')),
      node('button', { class: 'text', 'data-ask': JSON.stringify({ ask: 'close_document', document: id }), 'aria-label': say('close_name', { name }) }, say('close'))),
  ], say('no_documents'));
}

/** One after the other: each is on both screens before the next one is sent. */
async function share(files) {
  for (const file of files) {
    if (!TYPES.test(file.name)) notice(say('not_a_document', { name: file.name }));
    else if (file.size > LONGEST) notice(say('too_large', { name: file.name }));
    else await send(file);
  }
}

async function send(file) {
  const says = (words) => {
    sending = words;
    show('page-says', Boolean(words));
    text('page-says', words ?? '');
  };
  attr($('share'), 'aria-busy', 'true');
  const answer = await new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/api/documents?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.onprogress = ({ loaded, total }) => says(say('sending', { name: file.name, percent: Math.floor((loaded / total) * 100) }));
    request.onload = () => {
      try {
        done(JSON.parse(request.responseText));
      } catch (_) {
        done(null);
      }
    };
    request.onerror = () => done(null);
    request.send(file);
  });
  says(null);
  attr($('share'), 'aria-busy', 'false');
  notice(answer?.answer === 'accepted' ? '' : answer?.text ?? say('no_answer'));
}

$('share').addEventListener('click', () => $('file').click());
$('file').addEventListener('change', async () => {
  const files = [...$('file').files];
  $('file').value = '';
  await share(files);
});
addEventListener('dragover', (event) => {
  if ([...event.dataTransfer.types].includes('Files')) event.preventDefault();
});
addEventListener('drop', (event) => {
  if (event.dataTransfer.files.length === 0) return;
  event.preventDefault();
  if (document.body.dataset.screen === 'remote') share([...event.dataTransfer.files]);
});
