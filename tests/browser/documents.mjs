// Documents from the page: chosen, on both screens, turned from both rooms, refused in words, gone with the meeting.
import { readFileSync } from 'node:fs';
import { assert, enter, far, look, near, press, until, visitAndEnter } from './rig.mjs';

/** `desk`: a guest of the near room. The meeting that this begins ends with it. */
export async function shareAndTurn(desk) {
  const there = await visitAndEnter(far, 'Far PC');
  await desk.setInputFiles('#file', { name: '予算案 ☕.pdf', mimeType: 'application/pdf', buffer: pdf(3) });
  for (const page of [desk, there]) {
    await until(page, '#hero', { 'data-kind': 'meeting' });
    await until(page, '#band', { 'data-mic': 'closed' });
    await until(page, '#documents', { text: '予算案 ☕.pdf' });
    await until(page, '#page-of', { text: '1 / 3' });
  }
  await press(there, '#page-next');
  for (const page of [desk, there]) await until(page, '#page-of', { text: '2 / 3' });
  await desk.focus('#page-next');
  await desk.keyboard.press('Enter');
  for (const page of [desk, there]) await until(page, '#page-of', { text: '3 / 3' });
  await markAndKeep(desk, there);
  await look(desk, 'documents', '#documents-card');
  await look(there, 'documents-far', '#documents-card');

  await desk.setInputFiles('#file', { name: 'notes.docx', mimeType: 'application/msword', buffer: Buffer.from('PK') });
  await until(desk, '#notice', { text: 'notes.docx は出せません' });
  await desk.setInputFiles('#file', { name: 'broken.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 and no more') });
  await until(desk, '#page-says', { text: 'broken.pdf：壊れているか' });
  assert(!(await there.textContent('#documents')).includes('broken'), 'the far room hears nothing of it');
  await desk.setInputFiles('#file', { name: 'second.pdf', mimeType: 'application/pdf', buffer: pdf(1) });
  for (const page of [desk, there]) await until(page, '#page-of', { text: '1 / 1' });
  await desk.getByLabel('予算案 ☕.pdfを前に出す').click();
  for (const page of [desk, there]) await until(page, '#page-of', { text: '3 / 3' });
  await there.getByLabel('Close second.pdf').click();
  await desk.waitForFunction(() => document.querySelectorAll('#documents li').length === 1);

  const refused = await desk.evaluate(async () => {
    const send = (type, body) => fetch('/api/documents?name=x', { method: 'POST', headers: { 'content-type': type }, body });
    return [(await send('text/plain', 'x')).status, await (await send('application/octet-stream', '')).json()];
  });
  assert(refused[0] === 415 && refused[1].why === 'not_taken', `a form's body, an empty file: ${JSON.stringify(refused)}`);
  await press(desk, '#act');
  for (const page of [desk, there]) await page.waitForSelector('body[data-screen="door"]');
  await there.context().close();
  await enter(desk, near, '会議室のPC');
  await until(desk, '#hero', { 'data-kind': 'quiet' });
  await until(desk, '#documents', { text: 'まだ出していません' });
}

/** On the third page of three, in front in both rooms. */
async function markAndKeep(desk, there) {
  for (const page of [desk, there]) {
    await page.waitForFunction(() => document.querySelector('#page-picture').naturalWidth >= 480);
    await page.waitForFunction(() => document.querySelectorAll('#thumbs img').length === 3);
  }
  await press(desk, '#tools [data-tool="draw"]');
  await desk.evaluate(() => document.querySelector('#page-stage').scrollIntoView({ block: 'start' }));
  const stage = await desk.locator('#page-picture').boundingBox();
  const at = (x, y) => [stage.x + stage.width * x, stage.y + stage.height * y];
  await desk.mouse.move(...at(0.2, 0.3));
  await desk.mouse.down();
  for (let step = 1; step <= 20; step += 1) await desk.mouse.move(...at(0.2 + step * 0.03, 0.3 + (step % 2) * 0.02));
  await desk.mouse.up();
  const inked = (page) => page.waitForFunction(() => {
    const canvas = document.querySelector('#page-ink');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const [left, right] = [0, canvas.width - 1];
    return pixels.some((value, place) => place % 4 === 3 && value > 0 && (place / 4) % canvas.width > left && (place / 4) % canvas.width < right);
  });
  for (const page of [desk, there]) {
    await inked(page);
    await page.waitForSelector('#wipe', { state: 'visible' });
  }
  const lines = await there.evaluate(async () => {
    const source = new URL(document.querySelector('#page-picture').src).searchParams;
    return (await (await fetch(`/api/ink?document=${source.get('document')}&page=2`)).json()).lines;
  });
  const [first, last] = [lines[0].points[0], lines.at(-1).points.at(-1)];
  assert(Math.abs(first[0] - 2000) < 60 && Math.abs(last[0] - 8000) < 60 && Math.abs(first[1] - 3000) < 60, `drawn where the mouse was: ${first} … ${last}`);
  await look(there, 'documents-drawn', '#documents-card');
  await press(there, '#wipe');
  for (const page of [desk, there]) await page.waitForSelector('#wipe', { state: 'hidden' });

  await press(there, '#tools [data-tool="zoom"]');
  await press(there, '#closer');
  for (const page of [desk, there]) await page.waitForSelector('#page-frame', { state: 'visible' });
  const frame = await desk.locator('#page-frame').boundingBox();
  assert(Math.abs(frame.width / stage.width - 2 / 3) < 0.02, `a third is cut: ${frame.width} of ${stage.width}`);
  await press(desk, '#whole');
  for (const page of [desk, there]) await page.waitForSelector('#page-frame', { state: 'hidden' });

  await desk.getByLabel('予算案 ☕.pdfを残す', { exact: true }).click();
  await until(desk, '#documents', { text: '相手の部屋の「残す」を待っています' });
  await until(there, '#documents', { text: 'The other room wants to keep it' });
  await there.getByLabel('Keep 予算案 ☕.pdf', { exact: true }).click();
  for (const page of [desk, there]) await until(page, '#kept', { text: '予算案 ☕.pdf' });
  const [saved] = await Promise.all([there.waitForEvent('download'), there.locator('#kept a').click()]);
  assert(saved.suggestedFilename() === '予算案 ☕.pdf', saved.suggestedFilename());
  assert(readFileSync(await saved.path()).equals(pdf(3)), 'what is downloaded is what was shared');
  await there.getByLabel('Delete 予算案 ☕.pdf').click();
  await there.waitForSelector('#kept-card', { state: 'hidden' });
  await until(desk, '#kept', { text: '予算案 ☕.pdf' });
}

function pdf(pages) {
  const kids = Array.from({ length: pages }, (_, page) => `${3 + 2 * page} 0 R`);
  const objects = ['<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Kids [${kids.join(' ')}] /Count ${pages} >>`];
  for (let page = 0; page < pages; page += 1) {
    const bar = `${50 + page * 60} 400 200 40 re f`;
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${4 + 2 * page} 0 R >>`);
    objects.push(`<< /Length ${bar.length} >>\nstream\n${bar}\nendstream`);
  }
  let text = '%PDF-1.7\n';
  const places = objects.map((object, number) => {
    const place = text.length;
    text += `${number + 1} 0 obj\n${object}\nendobj\n`;
    return place;
  });
  const start = text.length;
  text += `xref\n0 ${places.length + 1}\n0000000000 65535 f \n${places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('')}`;
  return Buffer.from(`${text}trailer << /Size ${places.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`);
}
