// The installer's page: masks and views drawn and typed, office hours, the line; refused, saved, and back after the box began anew.
import { assert, far, look, media, near, pin, until, visit } from './rig.mjs';

/** On both boxes; the PIN opens this page and nothing else. */
export async function openWithThePin() {
  for (const [box, wrong, otherwise] of [[near, '違います', '名前と違います'], [far, 'Wrong', 'called otherwise']]) {
    const page = await visit(box, { path: '/#installer' });
    await page.waitForSelector('#pin-card:visible');
    await look(page, 'installer-pin');
    await page.fill('#pin', '999999');
    await page.click('#pin-form .primary');
    await until(page, '#pin-answer', { text: wrong });
    assert(await page.evaluate(async () => (await fetch('/api/devices')).status) === 403, 'nobody else sees the devices');
    await page.fill('#pin', pin);
    await page.press('#pin', 'Enter');
    await page.waitForSelector('#install:visible');
    await page.waitForSelector('#devices h3');
    await until(page, '#heard', { text: 'dBFS' });
    await look(page, 'installer');
    await page.click('#set-clock');
    await page.waitForSelector('#notice:visible');
    await bringAnUpdateAndHelp(page, box === near);
    const certificate = await page.evaluate(async () => (await fetch('/certificate.pem')).text());
    assert(certificate.includes('BEGIN CERTIFICATE'), 'the certificate can be saved');
    await page.fill('#reset-name', 'another box');
    await page.fill('#reset-pin', pin);
    await page.click('#reset-do');
    await until(page, '#reset-answer', { text: otherwise });
    await look(page, 'installer-reset', '#reset');
    // The PIN steers nothing: the remote is behind the code on the screen, as for everybody.
    await page.click('nav a[href="#remote"]');
    await page.waitForSelector('body[data-screen="door"]');
    await until(page, '#mic-act', { hidden: true });
    await look(page, 'installer-at-the-door');
    await page.context().close();
  }
}

/** Nobody checks it here: there is no RAUC. */
async function bringAnUpdateAndHelp(page, japanese) {
  await until(page, '#release-near', { text: '0.' });
  const bundle = { name: 'engawa.raucb', mimeType: 'application/octet-stream', buffer: Buffer.alloc(3_000_000, 7) };
  await page.setInputFiles('#update-file', bundle);
  await until(page, '#notice', { text: japanese ? '届きました' : 'being checked' });
  assert(await page.evaluate(async () => (await (await fetch('/api/update')).json()).waits), 'it lies there whole');
  await page.fill('#far-pin', pin);
  await page.click('[data-far="support"]');
  await page.waitForSelector('#far-paper:visible', { timeout: 40_000 });
  assert((await page.textContent('#far-paper')).includes('==== status ===='), 'how the other box is');
  assert((await page.getAttribute('#far-save', 'href')).startsWith('blob:'), 'to be saved');
  await look(page, 'installer-far', '#far-paper');
}

/** Returns how long the page was away after saving, in milliseconds. */
export async function setAndSave() {
  const page = await visit(near, { path: '/#installer' });
  await page.fill('#pin', pin);
  await page.press('#pin', 'Enter');
  await page.waitForSelector('#view-rows li');
  await until(page, '#stage-figure figcaption', { text: media ? '1秒' : '映像' });
  /** Of the colours in a corner of the first bar's place: a mask is one even grey. */
  const contrast = () => page.evaluate(() => {
    const canvas = document.querySelector('#stage canvas');
    const { data } = canvas.getContext('2d').getImageData(canvas.width * 0.15, canvas.height * 0.15, canvas.width * 0.3, canvas.height * 0.3);
    const colours = data.filter((_, place) => place % 4 < 3);
    return colours.reduce((most, one) => Math.max(most, one), 0) - colours.reduce((least, one) => Math.min(least, one), 255);
  });
  if (media) assert(await contrast() > 100, 'there is something to hide');

  await page.fill('#ceiling', '10');
  await page.click('#save');
  await until(page, '#settings-answer', { text: 'voice alone needs 64 kbit/s' });
  await look(page, 'installer-refused', '#settings-answer');
  await page.fill('#ceiling', '2500');

  await page.locator('#stage').scrollIntoViewIfNeeded();
  const { x, y, width, height } = await page.locator('#stage').boundingBox();
  await page.mouse.move(x + width * 0.1, y + height * 0.1);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.5, y + height * 0.5, { steps: 4 });
  await page.mouse.up();
  assert(await page.locator('#mask-rows li').count() === 1, 'one drag, one mask');
  const numbers = () => page.locator('#mask-rows li:last-child input').evaluateAll((all) => all.map((one) => Math.round(one.value)));
  assert(String(await numbers()) === '10,10,40,40', `drawn: ${await numbers()}`);
  // The same with the keyboard alone.
  await page.focus('#add-mask');
  await page.keyboard.press('Enter');
  for (const number of ['80', '70', '15', '25']) {
    await page.keyboard.type(number);
    await page.keyboard.press('Tab');
  }
  assert(String(await numbers()) === '80,70,15,25', `typed: ${await numbers()}`);
  await page.click('#add-view');
  await page.keyboard.type('ホワイトボード');
  await page.selectOption('#meeting-view', 'ホワイトボード');
  await page.click('#set-opens');
  await page.selectOption('#day-to', 'sun');
  await page.fill('#time-from', '00:00');
  await page.fill('#time-to', '23:59');
  await page.click('#set-holidays');
  await look(page, 'installer-drawn');
  await look(page, 'installer-views', '#view-rows');
  await look(page, 'installer-save', '#save');
  let began = Date.now();
  const greyed = page.waitForSelector('body.stale', { timeout: 20_000 }); // for half a second
  await page.click('#save');
  await until(page, '#notice', { text: '箱が数秒で入れ直されます' });
  await greyed;
  await page.waitForSelector('body:not(.stale)', { timeout: 20_000 });
  const back = Date.now() - began;
  await page.waitForSelector('#mask-rows li:nth-child(2)', { timeout: 20_000 });
  assert(String(await numbers()) === '80,70,15,25' && await page.inputValue('#ceiling') === '2500', 'what was saved is there');
  assert(await page.inputValue('#meeting-view') === 'ホワイトボード', 'names too');
  if (media) {
    for (began = Date.now(); await contrast() > 16; await page.waitForTimeout(200)) {
      assert(Date.now() - began < 10_000, `the mask hides nothing: ${await contrast()}`);
    }
  }
  await look(page, 'installer-saved');
  await page.locator('#view-rows [data-show]').last().click();
  await until(page, '#stage-figure figcaption', { text: media ? 'ホワイトボード' : '' });
  await look(page, 'installer-part');
  await page.locator('#view-rows li').first().getByText('覚えさせる').click();
  await until(page, '#notice', { text: '覚えています' });
  if (media) {
    await until(page, '#notice', { text: '「部屋」を覚えました' });
    await page.locator('#view-rows li').last().getByText('覚えさせる').click();
    await until(page, '#notice', { text: '「部屋」と見分けがつかない' });
  }
  await page.locator('#view-rows [data-show]').first().click();
  await page.context().close();
  return back;
}
