// Board, hands and poll from the page: written and drawn in both rooms, voted from both, gone when the rooms part.
import { assert, far, look, press, until, visitAndEnter } from './rig.mjs';

/** `desk`: a guest of the near room; both rooms are quiet, before and after. */
export async function writeDrawVoteAndRaise(desk) {
  const there = await visitAndEnter(far, 'Far PC');
  const odd = '<b>15時</b> & "窓口" 🍵';
  await desk.fill('#note-text', odd);
  await press(desk, '#note-post');
  await until(there, '#notes', { text: odd });
  await until(there, '#notes', { text: '会議室のPC（市民課）' });
  await press(there, '#note-draw');
  const sheet = await there.locator('#sheet').boundingBox();
  const at = (x, y) => [sheet.x + sheet.width * x, sheet.y + sheet.height * y];
  await there.mouse.move(...at(0.1, 0.1));
  await there.mouse.down();
  for (let step = 1; step <= 200; step += 1) await there.mouse.move(...at(0.1 + step * 0.004, 0.5 + 0.3 * Math.sin(step / 10)));
  await there.mouse.up();
  await there.mouse.click(...at(0.9, 0.1));
  await until(there, '#sheet-left', { text: '22' });
  await look(there, 'board-drawing', '#note-sheet');
  await press(there, '#sheet-post');
  await desk.waitForSelector('#notes svg.drawn polyline:nth-of-type(2)', { state: 'attached' });
  const points = await desk.evaluate(() => document.querySelector('#notes svg.drawn polyline').points.numberOfItems);
  assert(points > 10 && points <= 48, `${points} points of a wave`);
  await look(desk, 'board', '#board-card');
  await press(desk, '#note-post');
  assert(await desk.evaluate(() => document.activeElement.id === 'note-text'), 'nothing is written: the field waits');
  const refused = await desk.evaluate(async () => {
    const ask = (body) => fetch('/api/ask', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    const long = await ask({ ask: 'note', text: 'x'.repeat(201) });
    const beyond = await ask({ ask: 'drawn_note', strokes: [[1, 601]] });
    return [long.status, beyond.status, (await ask({ ask: 'drawn_note', strokes: [Array(9000).fill(1)] })).status];
  });
  assert(String(refused) === '400,400,413', `too long, beyond the sheet, too much: ${refused}`);

  assert(await desk.locator('#floor-card').isHidden(), 'hands and poll are for rooms that are together');
  await press(desk, '[data-mode="talking"]');
  for (const page of [desk, there]) await page.waitForSelector('#floor-card:visible');
  await press(there, '#hand');
  await press(desk, '#hand');
  for (const page of [desk, there]) await page.waitForFunction(() => document.querySelectorAll('#hands li').length === 2);
  assert((await desk.textContent('#hands li:first-child')).includes('Far PC'), 'the first raised stands first');
  await until(desk, '#hand', { 'aria-pressed': 'true' });
  await desk.getByLabel('会議室のPCの手を下ろす').click();
  await until(desk, '#hand', { 'aria-pressed': 'false' });

  await press(desk, '#poll-open');
  await desk.fill('#poll-text', '次の打ち合わせは？');
  await press(desk, '#poll-send');
  await until(desk, '#notice', { text: '2つ以上の選択肢' });
  await press(desk, '#poll-more');
  for (const [place, words] of ['月曜', '火曜', '長い選択肢も折り返して読めるように四十字まで書ける場所がある'].entries()) await desk.fill(`#poll-fields input:nth-child(${place + 1})`, words);
  await look(desk, 'poll-new', '#poll-form');
  await press(desk, '#poll-send');
  for (const page of [desk, there]) await until(page, '#poll-question', { text: '次の打ち合わせは？' });
  await press(desk, '#poll-choices li:nth-child(1) button');
  await press(there, '#poll-choices li:nth-child(2) button');
  for (const page of [desk, there]) await until(page, '#poll-choices li:nth-child(1)', { text: '50%' });
  await press(there, '#poll-choices li:nth-child(1) button');
  for (const page of [desk, there]) await until(page, '#poll-choices li:nth-child(1)', { text: '100%' });
  await until(desk, '#poll-choices li:nth-child(1) button', { 'aria-pressed': 'true' });
  await press(there, '#poll-skip');
  await until(desk, '#poll-sum', { text: '1票、選ばない 1' });
  await press(there, '#poll-choices li:nth-child(2) button');
  await until(there, '#poll-sum', { text: '2 votes, 0 skipped' });
  await press(there, '#poll-show');
  await until(desk, '#poll-show', { 'aria-checked': 'true' });
  await look(desk, 'floor', '#floor-card');
  await look(there, 'floor', '#floor-card');
  await press(desk, '#poll-close');
  for (const page of [desk, there]) await page.waitForSelector('#poll-choices div.choice');
  await look(there, 'poll-closed', '#floor-card');

  await press(desk, '#act');
  for (const page of [desk, there]) {
    await until(page, '#hero', { 'data-kind': 'quiet' });
    await until(page, '#floor-card', { hidden: true });
  }
  await desk.getByLabel(`「${odd}」をはがす`).click();
  await until(there, '#notes', { text: 'Far PC' });
  await there.waitForFunction(() => document.querySelectorAll('#notes li').length === 1);
  await there.context().close();
}
