// Raised hands and the poll, while both rooms are together; figures and order are the state's.
import { $, attr, list, meaning, node, notice, post, prop, say, show, text, write } from '/dom.js';

const CHOICES = [2, 8]; // as the box takes them

export function renderFloor(state, steers) {
  const together = steers && (state.mode === 'talking' || state.mode === 'meeting');
  show('floor-card', together);
  if (!together) return;
  const mine = state.hands.some((hand) => hand.mine);
  attr($('hand'), 'aria-pressed', String(mine));
  write($('hand').querySelector('span'), say(mine ? 'hand_down' : 'hand_up'));
  meaning($('hand'), { ask: 'hand', up: !mine });
  const rooms = { true: state.name, false: state.far_name || say('far_room') };
  list('hands', state.hands.map((hand, at) => ({ ...hand, at: at + 1, room: rooms[hand.near] })), ({ id, at, name, near, room }) => [
    node('li', {}, node('b', {}, String(at)), node('span', {}, name || room, name && node('small', {}, room)),
      near && node('button', { class: 'text', 'data-ask': JSON.stringify({ ask: 'lower_hand', hand: id }), 'aria-label': say('lower_name', { name: name || room }) }, say('lower'))),
  ]);
  renderPoll(state.poll);
}

function renderPoll(poll) {
  show('poll', poll !== null);
  // One at a time.
  show('poll-new', poll === null || !poll.open);
  if (!poll) return;
  const { id, question, choices, skipped, open, shown, voted, choice } = poll;
  text('poll-question', question);
  list('poll-choices', choices.map((one, at) => ({ ...one, at, id, open, mine: voted && choice === at })), choiceRow);
  const votes = choices.reduce((sum, one) => sum + one.votes, 0);
  text('poll-sum', say(open ? 'poll_sum' : 'poll_sum_closed', { votes, skipped }));
  show('poll-skip', open);
  attr($('poll-skip'), 'aria-pressed', String(voted && choice === null));
  meaning($('poll-skip'), { ask: 'skip_vote', poll: id });
  show('poll-close', open);
  meaning($('poll-close'), { ask: 'close_poll', poll: id });
  attr($('poll-show'), 'aria-checked', String(shown));
  meaning($('poll-show'), { ask: 'show_poll', poll: id, shown: !shown });
}

function choiceRow({ at, id, text: words, votes, percent, open, mine }) {
  const bar = node('i', { 'aria-hidden': 'true' });
  bar.style.inlineSize = `${percent}%`;
  const what = [bar, node('span', {}, words), node('b', {}, say('votes_of', { votes, percent }))];
  const press = { class: 'choice', 'data-ask': JSON.stringify({ ask: 'vote', poll: id, choice: at }), 'aria-pressed': String(mine) };
  return [node('li', {}, open ? node('button', press, ...what) : node('div', { class: 'choice' }, ...what))];
}

// ---- a new question ------------------------------------------------------------------------------------------------------

const fields = () => [...$('poll-fields').querySelectorAll('input')];

function addChoice() {
  const n = fields().length + 1;
  if (n > CHOICES[1]) return;
  const label = say('choice_n', { n });
  $('poll-fields').append(node('input', { maxlength: '40', 'aria-label': label, placeholder: label }));
  prop($('poll-more'), 'hidden', n === CHOICES[1]);
}

$('poll-open').addEventListener('click', () => {
  const opens = $('poll-form').hidden;
  show('poll-form', opens);
  attr($('poll-open'), 'aria-expanded', String(opens));
  if (!opens) return;
  while (fields().length < CHOICES[0]) addChoice();
  $('poll-text').focus();
});
$('poll-more').addEventListener('click', () => {
  addChoice();
  fields().at(-1).focus();
});
$('poll-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const question = $('poll-text').value.trim();
  const choices = fields().map((field) => field.value.trim()).filter(Boolean);
  if (!question || choices.length < CHOICES[0]) return notice(say('poll_unfinished'));
  const answer = await post('/api/ask', { ask: 'poll', question, choices }, $('poll-send'));
  if (answer?.answer !== 'accepted') return;
  $('poll-text').value = '';
  $('poll-fields').replaceChildren();
  show('poll-more', true);
  show('poll-form', false);
  attr($('poll-open'), 'aria-expanded', 'false');
});
