// The panel as people meet it, in a real browser, against two boxes: every press, every refusal, every screen looked at.
import {
  PHONE, assert, axeRuns, command, cuttableLine, enter, far, given, look, media, near, press, results, start, step, stop, until,
  visit, visitAndEnter,
} from './rig.mjs';
import { writeDrawVoteAndRaise } from './board.mjs';
import { shareAndTurn } from './documents.mjs';
import { openWithThePin, setAndSave } from './installer.mjs';
import { showAndStop } from './live.mjs';

const MOST_BYTES = 200 * 1024;
const MOST_MS = 100;
const figures = {};
await start();
let desk; // a PC in the near room
let phone; // a phone in the near room
let there; // a PC in the far room

await step('every word is there in both languages', async () => {
  const page = await visit(near);
  const words = await page.evaluate(async () => {
    const { languages } = await import('/words.js');
    return Object.values(languages).map((all) => Object.entries(all).filter(([, text]) => text).map(([key]) => key).sort());
  });
  assert(words[0].length > 100 && String(words[0]) === String(words[1]), 'the two languages have the same keys');
  const asked = await page.evaluate(() => [...document.querySelectorAll('[data-w], [data-label]')].map((one) => one.dataset.w ?? one.dataset.label));
  const unknown = asked.filter((key) => !words[0].includes(key));
  assert(unknown.length === 0, `words that are not there: ${unknown}`);
  await page.context().close();
});

await step('the page is light', async () => {
  const page = await visit(near);
  await page.waitForSelector('body[data-screen="door"]');
  const files = await page.evaluate(() =>
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .filter(({ name }) => !name.includes('/api/')).map(({ name, encodedBodySize }) => [name, encodedBodySize]));
  figures.page_bytes = files.reduce((sum, [, bytes]) => sum + bytes, 0);
  assert(files.length >= 4 && files.every(([, bytes]) => bytes > 0), `what the page is made of: ${files}`);
  assert(figures.page_bytes <= MOST_BYTES, `${figures.page_bytes} bytes`);
  await page.context().close();
});

await step('a wrong code is refused in words, a right one opens', async () => {
  desk = await visit(near);
  await desk.waitForSelector('body[data-screen="door"]');
  await look(desk, 'door');
  await desk.fill('#code', '12');
  await desk.click('#enter .primary');
  await until(desk, '#door-answer', { text: '6桁' });
  const wrong = String((Number(near.code()) + 1) % 1_000_000).padStart(6, '0');
  await desk.fill('#code', wrong);
  await desk.press('#code', 'Enter');
  await until(desk, '#door-answer', { text: '部屋コードが違います' });
  await look(desk, 'door-wrong-code');
  await enter(desk, near, '会議室のPC');
  await until(desk, '#guests', { text: '会議室のPC' });
  there = await visit(far);
  await look(there, 'door');
  await enter(there, far, 'Desk PC');
  await until(there, '#link', { 'data-link': 'up' });
  await until(desk, '#link', { 'data-link': 'up' });
});

await step('a guest without a code waits and is let in from inside', async () => {
  phone = await visit(near, { viewport: PHONE });
  await phone.fill('#name', '窓口の電話');
  await phone.click('#wait');
  await phone.waitForSelector('#door-waits:visible');
  await until(desk, '#banner', { text: '窓口の電話' });
  await look(phone, 'waiting');
  await phone.setViewportSize(PHONE);
  const stranger = await visit(far);
  await stranger.click('#wait');
  await stranger.waitForSelector('#door-waits:visible');
  await look(stranger, 'waiting');
  await press(stranger, '#door-waits button');
  await stranger.waitForSelector('#door-ask:visible');
  await stranger.context().close();
  await look(desk, 'guest-waits');
  await press(desk, '#banner-yes');
  await phone.waitForSelector('body[data-screen="remote"]');
  await until(desk, '#banner', { hidden: true });
});

await step('a waiting guest is refused', async () => {
  const other = await visit(near);
  await other.fill('#name', '知らない端末');
  await other.click('#wait');
  await other.waitForSelector('#door-waits:visible');
  await press(desk, '#guests li.waits button[aria-label*="断る"], #guests li.waits button:first-of-type');
  await other.waitForSelector('#door-ask:visible');
  await other.context().close();
});

await step('quiet: the microphone is closed and says so', async () => {
  for (const page of [desk, phone, there]) {
    await until(page, '#band', { 'data-mic': 'closed' });
    await until(page, '[data-mode="quiet"]', { 'aria-pressed': 'true' });
  }
  await look(desk, 'quiet');
  await look(there, 'quiet');
});

await step('everything is reached with the keyboard alone', async () => {
  await desk.evaluate(() => document.activeElement?.blur());
  const wanted = await desk.evaluate(() =>
    [...document.querySelectorAll('body :is(a, button, input)')].filter((one) => one.checkVisibility()).length);
  const reached = new Set();
  for (let n = 0; n < wanted + 5; n += 1) {
    await desk.keyboard.press('Tab');
    reached.add(await desk.evaluate(() => {
      const all = [...document.querySelectorAll('body :is(a, button, input)')];
      const one = document.activeElement;
      const ring = getComputedStyle(one).outlineStyle !== 'none';
      return all.includes(one) && ring ? all.indexOf(one) : 'no ring';
    }));
  }
  reached.delete('no ring');
  assert(reached.size >= wanted, `${reached.size} of ${wanted} controls`);
});

await step('knock and answer: each room opens its own microphone', async () => {
  await there.locator('#act').focus();
  await there.waitForTimeout(400);
  await there.keyboard.press('Enter');
  await until(there, '#hero', { 'data-kind': 'knocking' });
  await until(desk, '#hero', { 'data-kind': 'knocked' });
  await until(desk, '#band', { 'data-mic': 'closed' });
  if (media) await until(there, '#band', { 'data-mic': 'open' });
  await look(there, 'knocking');
  await look(desk, 'knocked');
  await press(desk, '#act');
  for (const page of [desk, phone, there]) await until(page, '#hero', { 'data-kind': 'talking' });
  if (media) for (const page of [desk, phone, there]) await until(page, '#band', { 'data-mic': 'open' });
  await look(desk, 'talking');
  await look(there, 'talking');
});

await step('talk: the band closes and opens this room alone', async () => {
  await press(desk, '#mic-act');
  await until(desk, '#band', { 'data-mic': 'closed' });
  if (media) {
    await until(there, '#band', { 'data-mic': 'open' });
    await until(there, '#far-mic', { text: 'Closed' });
  }
  await press(phone, '#mic-act');
  await phone.waitForFunction(() => ['opening', 'open'].includes(document.getElementById('band').dataset.mic));
  if (media) await until(desk, '#band', { 'data-mic': 'open' });
  await press(there, '#act');
  for (const page of [desk, phone, there]) {
    await until(page, '#hero', { 'data-kind': 'quiet' });
    await until(page, '#band', { 'data-mic': 'closed' });
  }
});

await step('a knock is sent away and taken back', async () => {
  await press(desk, '#act');
  await until(there, '#hero', { 'data-kind': 'knocked' });
  await press(there, '#act-no');
  await until(there, '#hero', { 'data-kind': 'quiet' });
  await press(desk, '#act');
  await until(desk, '#hero', { 'data-kind': 'quiet' });
  await until(desk, '#band', { 'data-mic': 'closed' });
});

await step('views, veil, volume and the own picture', async () => {
  if (await desk.locator('#views button').count() > 1) {
    await desk.locator('#views button').nth(1).click();
    await desk.waitForSelector('#views button:nth-child(2)[aria-pressed="true"]');
    await desk.locator('#views button').first().click();
    await desk.waitForSelector('#views button:nth-child(1)[aria-pressed="true"]');
  }
  await desk.click('[data-veil="frosted"]');
  await desk.waitForSelector('[data-veil="frosted"][aria-pressed="true"]');
  await until(there, '#far-camera', { text: media ? 'Frosted' : '' });
  await desk.click('[data-veil="clear"]');
  await desk.waitForSelector('[data-veil="clear"][aria-pressed="true"]');
  await desk.focus('#volume');
  await desk.keyboard.press('Home');
  await until(phone, '#volume-text', { text: '消音' });
  await desk.click('#louder');
  await until(phone, '#volume-text', { text: '10%' });
  await desk.keyboard.press('Tab');
  await press(desk, '#own-picture');
  await until(phone, '#own-picture', { 'aria-checked': 'true' });
  await press(desk, '#own-picture');
  await until(phone, '#own-picture', { 'aria-checked': 'false' });
  let asked = 0;
  desk.on('request', (request) => { asked += request.url().endsWith('/api/own.jpg') ? 1 : 0; });
  await desk.waitForTimeout(1_500);
  assert(asked === 0, 'the picture is fetched although nobody looks');
  await desk.click('#preview-toggle');
  await until(desk, '#preview figcaption', { text: media ? '1秒' : '映像' });
  if (media) {
    const colours = await desk.evaluate(() => {
      const canvas = document.querySelector('#preview canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
    assert(colours > 16, `a picture of ${colours} colours`);
  }
  await look(desk, 'preview');
  await desk.click('#preview-toggle');
  await desk.waitForTimeout(1_200);
  const before = asked;
  await desk.waitForTimeout(1_500);
  assert(asked === before, 'the picture is fetched although it was put away');
});

await step('curtain: the other room is told, and refused in words', async () => {
  await press(desk, '[data-mode="curtain"]');
  for (const page of [desk, phone, there]) await until(page, '#hero', { 'data-kind': 'curtain' });
  await until(desk, '#act-name', { text: 'カーテンを開ける' });
  await until(there, '#act', { hidden: true });
  await look(desk, 'curtain');
  await look(there, 'far-curtain');
  await press(there, '[data-mode="talking"]');
  await until(there, '#notice', { text: 'The other room has drawn its curtain' });
  await look(there, 'curtain-denied');
  await press(desk, '#act');
  for (const page of [desk, there]) await until(page, '#hero', { 'data-kind': 'quiet' });
});

await step('asleep: every guest is out, a press wakes the room, microphone closed', async () => {
  await press(desk, '#sleep');
  for (const page of [desk, phone, there]) await page.waitForSelector('body[data-screen="door"]');
  await enter(there, far, 'Desk PC');
  await until(there, '#hero', { 'data-kind': 'asleep' });
  await until(there, '#act', { hidden: true });
  await enter(desk, near, '会議室のPC');
  await until(desk, '#hero', { 'data-kind': 'asleep' });
  await look(desk, 'asleep');
  await press(desk, '#act');
  for (const page of [desk, there]) await until(page, '#hero', { 'data-kind': 'quiet' });
  await until(desk, '#band', { 'data-mic': 'closed' });
  await enter(phone, near, '窓口の電話');
});

await step('lock: no new device, not even with the code', async () => {
  await press(desk, '#lock');
  await until(desk, '#lock', { 'aria-checked': 'true' });
  const late = await visit(near);
  await until(late, '#door-why', { text: '受け付けていません' });
  await late.fill('#code', near.code());
  await late.click('#enter .primary');
  await until(late, '#door-answer', { text: '受け付けていません' });
  await look(late, 'door-locked');
  await late.context().close();
  await press(desk, '#lock');
  await until(desk, '#lock', { 'aria-checked': 'false' });
});

await step('remove: the guest is out at once and told so', async () => {
  await desk.locator('#guests li', { hasText: '窓口の電話' }).locator('button').click();
  await phone.waitForSelector('body[data-screen="door"]');
  await until(phone, '#door-why', { text: '参加は終わりました' });
  await enter(phone, near, '窓口の電話');
});

await step('what is set stands in plain words, with the ledger', async () => {
  for (const page of [desk, there]) {
    await page.click('nav a[href="#set"]');
    await page.waitForSelector('#facts dt');
    await page.waitForSelector('#ledger tr');
    assert(await page.locator('#facts dt').count() >= 4, 'who can join, what is stored, whether anything records');
    await look(page, 'what-is-set');
    const csv = await page.evaluate(async () => {
      const response = await fetch('/api/ledger.csv');
      return [response.status, response.headers.get('content-type'), (await response.text()).split('\n').length];
    });
    assert(csv[0] === 200 && csv[1].includes('csv') && csv[2] > 3, `the export: ${csv}`);
    await page.click('nav a[href="#remote"]');
    await page.waitForSelector('body[data-screen="remote"]');
  }
});

await step('the installer page opens with the PIN alone', openWithThePin);

await step('a lost connection greys the page, takes no press, and comes back by itself', async () => {
  const line = await cuttableLine(near.url);
  const page = await visitAndEnter(near, '揺れる端末', { url: line.url });
  await page.focus('[data-mode="meeting"]');
  for (const [name, cut, back, most] of [
    ['closed', line.close, line.open, 1_000],
    ['silent', line.goSilent, line.comeBack, 13_500],
  ]) {
    let began = Date.now();
    cut();
    await page.waitForSelector('body.stale', { timeout: most });
    figures[`lost_${name}_ms`] = Date.now() - began;
    await until(page, '#lost', { text: 'つながっていません' });
    const open = await page.evaluate(() =>
      [...document.querySelectorAll('a, button, input')].filter((one) => one.checkVisibility() && !one.closest('[inert]')).length);
    assert(open === 0, `${open} controls can be pressed`);
    await page.locator('[data-mode="meeting"]').click({ force: true, timeout: 1_000 }).catch(() => {});
    if (name === 'closed') await look(page, 'lost');
    began = Date.now();
    back();
    await page.waitForSelector('body:not(.stale)');
    figures[`back_${name}_ms`] = Date.now() - began;
    await until(page, '[data-mode="meeting"]', { 'aria-pressed': 'false' });
    assert(await page.evaluate(() => document.activeElement.dataset.mode) === 'meeting', 'the focus is where it was');
  }
  await page.context().close();
  line.end();
});

await step(`an event is on the page within ${MOST_MS} ms, as the median of 40`, async () => {
  const rounds = 40;
  await phone.evaluate(() => {
    window.seen = [];
    const button = document.querySelector('[data-veil="frosted"]');
    new MutationObserver(() => requestAnimationFrame(() => window.seen.push(performance.timeOrigin + performance.now())))
      .observe(button, { attributeFilter: ['aria-pressed'] });
  });
  const delays = [];
  for (let round = 0; round < rounds; round += 1) {
    const pressed = await desk.evaluate(async (veil) => {
      const at = performance.timeOrigin + performance.now();
      const headers = { 'content-type': 'application/json' };
      await fetch('/api/ask', { method: 'POST', headers, body: JSON.stringify({ ask: 'veil', veil }) });
      return at;
    }, round % 2 ? 'clear' : 'frosted');
    await phone.waitForFunction((count) => window.seen.length > count, round);
    delays.push((await phone.evaluate(() => window.seen.at(-1))) - pressed);
    await phone.waitForTimeout(120);
  }
  delays.sort((a, b) => a - b);
  figures.event_to_page_ms = { median: Math.round(delays[rounds / 2]), max: Math.round(delays[rounds - 1]), rounds };
  // The slowest is told, not held: it depends on what else this machine does.
  assert(delays[rounds / 2] <= MOST_MS, `median and slowest: ${JSON.stringify(figures.event_to_page_ms)}`);
});

if (given('ENGAWA_NEAR_CLI')) {
  await step('the command line and the page tell the same', async () => {
    command('ENGAWA_NEAR_CLI', 'mode curtain');
    await until(desk, '#hero', { 'data-kind': 'curtain' });
    command('ENGAWA_NEAR_CLI', 'mode quiet');
    await until(desk, '#hero', { 'data-kind': 'quiet' });
  });
}

await step('meeting: clock on both pages, microphones closed, every guest ends with it', async () => {
  await press(desk, '[data-mode="meeting"]');
  for (const page of [desk, phone, there]) {
    await until(page, '#hero', { 'data-kind': 'meeting' });
    await until(page, '#band', { 'data-mic': 'closed' });
    await page.waitForFunction(() => /0:0[1-9]$/.test(document.getElementById('clock').textContent));
  }
  await look(desk, 'meeting');
  await look(there, 'meeting');
  await press(there, '#act');
  for (const page of [desk, phone, there]) await page.waitForSelector('body[data-screen="door"]');
  await until(desk, '#door-why', { text: '参加は終わりました' });
  await look(desk, 'door-ended');
  await enter(desk, near, '会議室のPC');
  await until(desk, '#hero', { 'data-kind': 'quiet' });
});

await step('the meeting stands in the list of recent meetings', () => until(desk, '#meetings', { text: '分' }));

await step('board, hands and poll: written, drawn, raised and voted from both rooms', () => writeDrawVoteAndRaise(desk));

if (media) await step('documents: chosen here, on both screens, turned from both rooms', () => shareAndTurn(desk));

await step('a screen: offered over WHIP, steered by the box, stopped by everybody who may', showAndStop);

await step('the installer draws a mask on the live picture, and it is kept and hides', async () => {
  figures.saved_and_back_ms = await setAndSave();
  // Everybody is out: a new daemon, a new code.
  await desk.waitForSelector('body[data-screen="door"]:not(.stale)', { timeout: 20_000 });
  await enter(desk, near, '会議室のPC');
  await until(desk, '#band', { 'data-mic': 'closed' });
  await until(desk, '#link', { 'data-link': 'up' });
});

if (given('ENGAWA_NEAR_KILL')) {
  await step('a killed box greys its page, and comes back with the door', async () => {
    command('ENGAWA_NEAR_KILL');
    await desk.waitForSelector('body.stale', { timeout: 2_000 });
    await desk.waitForSelector('body[data-screen="door"]:not(.stale)', { timeout: 20_000 });
    await enter(desk, near, '会議室のPC');
    await until(desk, '#band', { 'data-mic': 'closed' });
  });
}

figures.axe_runs_without_violation = axeRuns;
await stop();
console.log(`figures ${JSON.stringify(figures)}`);
const failed = results.filter(({ passed }) => !passed).length;
console.log(`${results.length - failed} steps passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
