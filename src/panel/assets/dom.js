// Words and small moves of the page, for every part of it: the page is touched only where it differs.
import { languages } from '/words.js';

export const $ = (id) => document.getElementById(id);
export const pause = (ms) => new Promise((go) => setTimeout(go, ms));

let words = languages[navigator.language.startsWith('en') ? 'en' : 'ja'];
export function speak(language) {
  if (language in languages) words = languages[language];
}
export const language = () => (words === languages.ja ? 'ja' : 'en');
export const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** What a press of this control asks from now on. A control whose meaning has just changed takes no press. */
export function meaning(element, ask) {
  const wish = JSON.stringify(ask);
  if (element.dataset.ask === wish) return;
  element.dataset.ask = wish;
  element.changedAt = performance.now();
}

const ANSWER_MS = 5_000;

/** Sends a wish; the element shows at once that it was pressed. Returns the answer, with its sentence shown unless `quiet`. */
export async function post(path, body, element, quiet = false) {
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

export async function read(path) {
  try {
    const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) });
    return response.ok ? await response.json() : null;
  } catch (_) {
    return null;
  }
}

/** What the far side sees right now; null while nothing is sent. */
export async function ownPicture() {
  try {
    const response = await fetch('/api/own.jpg', { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) });
    return response.ok ? await createImageBitmap(await response.blob()) : null;
  } catch (_) {
    return null;
  }
}

const NOTICE_MS = 10_000;
let noticeEnds;
export function notice(sentence) {
  clearTimeout(noticeEnds);
  $('notice').firstElementChild.textContent = sentence ?? '';
  show('notice', Boolean(sentence));
  if (sentence) noticeEnds = setTimeout(() => notice(''), NOTICE_MS);
}

export function prop(element, name, value) {
  if (element[name] !== value) element[name] = value;
}

export function attr(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function write(element, value) {
  prop(element, 'textContent', value);
}

export function text(id, value) {
  write($(id), value);
}

export function show(id, shown) {
  prop($(id), 'hidden', !shown);
}

export function flip(id, on, ask) {
  attr($(id), 'aria-checked', String(on));
  meaning($(id), ask(!on));
}

/** A bar from silence (−60 dBFS) to full (0). */
export function level(id, dbfs) {
  const share = dbfs === null || dbfs === undefined ? 0 : Math.min(1, Math.max(0, (dbfs + 60) / 60));
  $(id).style.transform = `scaleX(${share.toFixed(2)})`;
}

export function node(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value) element.setAttribute(key, value);
  element.append(...children.filter(Boolean));
  return element;
}

/** Made anew only when it differs; the focus stays on the same press. */
export function list(id, items, make, empty = '') {
  const place = $(id);
  const now = JSON.stringify([items, empty, language()]);
  if (place.made === now) return;
  place.made = now;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.ask : undefined;
  place.replaceChildren(...items.flatMap(make));
  if (items.length === 0 && empty) place.append(node(place.tagName === 'UL' ? 'li' : 'p', { class: 'muted' }, empty));
  if (focused) [...place.querySelectorAll('[data-ask]')].find((control) => control.dataset.ask === focused)?.focus();
}
