// What the steps of panel.mjs stand on: two boxes from the environment, browsers, axe, screenshots, a line that can be cut.
//
//   ENGAWA_NEAR_URL  ENGAWA_FAR_URL    https://127.0.0.1:PORT of the two panels; near speaks Japanese, far English
//   ENGAWA_NEAR_CODE ENGAWA_FAR_CODE   commands that print the room code
//   ENGAWA_NEAR_CLI                    command line of the near box, {} for its words ("engawa {} --config X"); optional
//   ENGAWA_NEAR_KILL                   command that kills the near daemon; whoever runs this starts it again; optional
//   ENGAWA_PIN                         the near installer's PIN
//   ENGAWA_MEDIA                       "yes": cameras and microphones are real enough to leave something
//   ENGAWA_SHOTS                       directory for screenshots; optional
import { execSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { chromium } from 'playwright-core';

const needed = (name) => {
  if (!process.env[name]) throw new Error(`${name} is not set; the head of rig.mjs says what it is`);
  return process.env[name];
};
export const near = { url: needed('ENGAWA_NEAR_URL'), code: () => roomCode('ENGAWA_NEAR_CODE'), locale: 'ja' };
export const far = { url: needed('ENGAWA_FAR_URL'), code: () => roomCode('ENGAWA_FAR_CODE'), locale: 'en' };
export const pin = needed('ENGAWA_PIN');
export const media = process.env.ENGAWA_MEDIA === 'yes';
export const given = (name) => Boolean(process.env[name]);
const shots = process.env.ENGAWA_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 640 };
const LONGEST_STEP_MS = 60_000;
const PATIENCE_MS = 8_000;

/** Runs a command of the environment, `words` in place of {}. Returns what it printed. */
export function command(name, words = '') {
  return execSync(needed(name).replace('{}', words), { encoding: 'utf8', timeout: 20_000 }).trim();
}

let browser;
export async function start() {
  // Root needs --no-sandbox; the pages are our own.
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
}
export const stop = () => browser.close();

/** A box that has just started draws its code a moment after its page is there. */
function roomCode(name) {
  for (let tries = 0; tries < 40; tries += 1) {
    const code = command(name);
    if (/^\d{6}$/.test(code)) return code;
    execSync('sleep 0.1');
  }
  throw new Error(`${name} prints no code`);
}

/** A browser of its own, with the page of this box open. What the page complains about fails the run. */
export const complaints = [];
export async function visit(box, { viewport = DESKTOP, path = '/', url = box.url, init = null } = {}) {
  const phone = viewport === PHONE;
  const context = await browser.newContext({
    viewport, locale: box.locale, ignoreHTTPSErrors: true, hasTouch: phone, isMobile: phone, deviceScaleFactor: phone ? 2 : 1,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  if (init) await page.addInitScript(init);
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    const expected = /Failed to load resource|ERR_/.test(message.text());
    if (message.type() === 'error' && !expected) complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(`asked elsewhere: ${request.url()}`);
  });
  await page.goto(url + path);
  return page;
}

/** Through the door with the code that stands on the kiosk screen. */
export async function enter(page, box, name) {
  await page.fill('#code', box.code());
  await page.fill('#name', name);
  await page.click('#enter .primary');
  await page.waitForSelector('body[data-screen="remote"]');
}

export async function visitAndEnter(box, name, options) {
  const page = await visit(box, options);
  await enter(page, box, name);
  return page;
}

/** Presses as a person does, who reads first: a control takes nothing for 350 ms after its meaning changed. */
export async function press(page, selector) {
  const control = page.locator(selector);
  await control.waitFor({ state: 'visible' });
  await page.waitForFunction(
    (selector) => performance.now() - (document.querySelector(selector).changedAt ?? -1e3) > 400, selector,
  );
  await control.click();
}

/** Waits until an attribute or the text of an element is as expected. */
export async function until(page, selector, expected) {
  await page.waitForFunction(
    ([selector, expected]) => {
      const element = document.querySelector(selector);
      const shown = element && (element.checkVisibility() || element.hidden);
      return shown && Object.entries(expected).every(([name, value]) =>
        name === 'text' ? element.textContent.includes(value)
        : name === 'hidden' ? element.checkVisibility() !== value
        : element.getAttribute(name) === value);
    },
    [selector, expected],
  ).catch(async (error) => {
    const found = await page.locator(selector).evaluateAll((all) => all.map((one) => one.outerHTML.slice(0, 400)));
    throw new Error(`${selector} is not ${JSON.stringify(expected)} but ${found}: ${error.message}`);
  });
}

export function assert(condition, words) {
  if (!condition) throw new Error(words);
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Everybody can use it: no violation that axe knows, nothing wider than the screen, nothing too small for a thumb. */
export async function usable(page, name) {
  // People read what a change comes to, not the 120 ms in which a colour changes to another.
  await page.evaluate(() => Promise.allSettled(
    document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity).map((one) => one.finished)));
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => (await window.axe.run()).violations);
  const words = violations.map(({ id, nodes }) => `${id}: ${nodes.map((one) => `${one.target} ${one.failureSummary}`).join('; ')}`);
  assert(violations.length === 0, `${name}: ${words.join('\n')}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert(wide <= 0, `${name} is ${wide} pixels wider than the screen`);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button, a.button, nav a, input')]
      .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
      .map((one) => one.outerHTML.slice(0, 120)));
  assert(small.length === 0, `${name} has controls below 44 pixels: ${small}`);
  axeRuns += 1;
}
export let axeRuns = 0;

/** Looks at the screen of this page, from its top or at an element, on a desktop and a phone: usable, and as a picture for people. */
export async function look(page, name, at) {
  const language = await page.evaluate(() => document.documentElement.lang);
  for (const [size, viewport] of [['desktop', DESKTOP], ['phone', PHONE]]) {
    await page.setViewportSize(viewport);
    if (at) await page.locator(at).evaluate((one) => one.scrollIntoView({ block: 'center' }));
    else await page.evaluate(() => scrollTo(0, 0));
    await usable(page, `${name} (${size}, ${language})`);
    if (!shots) continue;
    await page.waitForTimeout(250);
    await page.screenshot({ path: `${shots}/${name}-${size}-${language}.png` });
  }
  await page.setViewportSize(DESKTOP);
}

const done = [];
export const results = done;
export async function step(name, act) {
  const began = Date.now();
  let late;
  const limit = new Promise((_, fail) => { late = setTimeout(() => fail(new Error(`longer than ${LONGEST_STEP_MS} ms`)), LONGEST_STEP_MS); });
  try {
    await Promise.race([act(), limit]);
    assert(complaints.length === 0, complaints.splice(0).join('\n'));
    done.push({ name, passed: true });
    console.log(`ok     ${name} (${Date.now() - began} ms)`);
  } catch (error) {
    complaints.length = 0;
    done.push({ name, passed: false });
    console.log(`FAILED ${name}\n       ${String(error.stack).replaceAll('\n', '\n       ')}`);
    if (shots) {
      const pages = browser.contexts().flatMap((context) => context.pages());
      await Promise.all(pages.map((page, place) => page.screenshot({ path: `${shots}/failed-${done.length}-${place}.png` }).catch(() => {})));
    }
  } finally {
    clearTimeout(late);
  }
}

/** A line to a box that can go silent without a word, be closed, and come back. */
export async function cuttableLine(url) {
  const { protocol, hostname: host, port } = new URL(url);
  const pairs = new Set();
  let silent = false;
  let closed = false;
  const server = net.createServer((browserSide) => {
    if (closed) return browserSide.destroy();
    const boxSide = net.connect(Number(port), host);
    const pair = [browserSide, boxSide];
    pairs.add(pair);
    const end = () => { pairs.delete(pair); pair.forEach((side) => side.destroy()); };
    for (const [from, to] of [pair, [...pair].reverse()]) {
      from.on('data', (bytes) => silent || to.write(bytes));
      from.on('close', end);
      from.on('error', end);
    }
  });
  await new Promise((listening) => server.listen(0, host, listening));
  const all = () => [...pairs].forEach((pair) => pair.forEach((side) => side.destroy()));
  return {
    url: `${protocol}//${host}:${server.address().port}`,
    close() { closed = true; all(); },
    open() { closed = false; },
    goSilent() { silent = true; },
    /** As after a long silence: the old connections are dead, new ones work. */
    comeBack() { silent = false; all(); },
    end() { all(); server.close(); },
  };
}
