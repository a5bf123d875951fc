// The remote: modes, microphone, sound, camera, guests; drawn from the state, which says everything.
import { $, attr, flip, level, list, meaning, node, post, prop, say, show, text, write } from '/dom.js';

// The slider follows the finger at once and the box at most ten times a second.
let volumeDue = null;
let volumeHeld = 0;
function wishVolume(volume) {
  $('volume').value = volume;
  volumeHeld = performance.now();
  text('volume-text', volumeWords(volume));
  volumeDue ??= setTimeout(() => {
    volumeDue = null;
    post('/api/ask', { ask: 'volume', volume: Number($('volume').value) });
  }, 100);
}
$('volume').addEventListener('input', () => wishVolume(Number($('volume').value)));
$('softer').addEventListener('click', () => wishVolume(Math.max(0, Number($('volume').value) - 10)));
$('louder').addEventListener('click', () => wishVolume(Math.min(100, Number($('volume').value) + 10)));
const volumeWords = (volume) => (volume === 0 ? say('muted') : `${volume}%`);

export function renderTop(state) {
  const far = state.far_name || say('far_room');
  document.title = `${far} — Engawa`;
  text('near-name', state.name);
  text('far-name', far);
  attr($('link'), 'data-link', state.link);
  text('link-text', say(`link_${state.link}`));
  show('sealed', state.sealed);
  attr($('sealed'), 'title', say('sealed'));
}

export function renderMicrophone(state) {
  const { microphone, microphone_wanted: wanted, missing } = state;
  const leaves = microphone === 'open';
  const kind =
    leaves ? (wanted ? 'open' : 'closing')
    : missing.includes('microphone') ? 'missing'
    : microphone === 'levels-only' && !wanted ? 'levels'
    : wanted ? 'opening' : 'closed';
  attr($('band'), 'data-mic', kind);
  attr($('mic-icon'), 'href', leaves ? '#i-mic' : '#i-mic-off');
  text('mic-name', say(`mic_${kind}`));
  text('mic-line', say(`mic_${kind}_line`));
  const offered = state.mode === 'talking' || state.mode === 'meeting';
  $('mic-act').className = !wanted && !leaves && offered ? 'primary' : '';
  const press = wanted || leaves ? 'mic_do_close' : 'mic_do_open';
  text('mic-act-long', say(press));
  text('mic-act-short', say(`${press}_short`));
  attr($('mic-act'), 'aria-label', say(press));
  meaning($('mic-act'), { ask: 'microphone', open: !(wanted || leaves) });
  level('mic-bar', leaves ? state.levels?.heard_dbfs : null);
}

export function renderRemote(state) {
  const { near, mode } = state;
  const scene = heroScene(state);
  attr($('hero'), 'data-kind', scene.kind);
  text('mode-name', say(scene.name));
  text('mode-line', scene.line);
  show('act', Boolean(scene.act));
  if (scene.act) {
    text('act-name', say(scene.act));
    text('act-line', say(`${scene.act}_is`));
    attr($('act').querySelector('use'), 'href', scene.icon);
    meaning($('act'), scene.ask);
  }
  show('act-no', scene.kind === 'knocked');
  text('act-no', say('act_send_away'));
  meaning($('act-no'), { ask: 'cancel' });
  show('clock', state.meeting_since_s !== null);
  for (const button of $('modes').children) {
    const itself = button.dataset.mode;
    attr(button, 'aria-pressed', String(itself === 'curtain' ? near === 'curtain' : itself === mode));
  }
  renderBanner(state);

  text('far-mic', say({ open: 'is_open', closed: 'is_closed', 'levels-only': 'is_levels' }[state.far_microphone]));
  if (performance.now() - volumeHeld > 1_000) {
    prop($('volume'), 'value', String(state.volume));
    text('volume-text', volumeWords(state.volume));
  }

  const seen = (camera, veil, own) =>
    camera === 'live' && veil !== 'clear' ? `${own}_${veil}` : `${own}_${camera}`;
  text('camera', say(seen(state.camera, state.veil, 'cam')));
  const far = say(seen(state.far_camera, state.far_veil, 'far'));
  text('far-camera', state.far_view && state.far_camera === 'live' ? `${state.far_view}・${far}` : far);
  show('views-row', state.views.length > 1);
  list('views', state.views.map((name, view) => ({ name, view, on: view === state.view })), ({ name, view, on }) => [
    node('button', { 'data-ask': JSON.stringify({ ask: 'view', view }), 'aria-pressed': String(on) }, name),
  ]);
  for (const button of $('veils').children) attr(button, 'aria-pressed', String(button.dataset.veil === state.veil));
  flip('follow', state.follow_turns, (follow) => ({ ask: 'follow_turns', follow }));
  flip('own-picture', state.own_picture, (shown) => ({ ask: 'own_picture', shown }));
  const shown = !$('preview').hidden;
  attr($('preview-toggle'), 'aria-expanded', String(shown));
  write($('preview-toggle').querySelector('span'), say(shown ? 'preview_hide' : 'preview_show'));

  list('guests', state.guests, guestRow(state.you.id), say('nobody'));
  flip('lock', state.locked, (locked) => ({ ask: 'lock', locked }));
  flip('show-code', state.show_code, (now) => ({ ask: 'show_code', shown: now }));
  show('remove-all', state.guests.length > 1);

  list('missing', state.missing, (device) => [node('p', { class: 'fault' }, say(`device_${device}`))]);
  show('words-row', Boolean(state.words));
  list('words', (state.words ?? '').split(' ').filter(Boolean), (word) => [node('li', {}, word)]);
  list('meetings', state.meetings, (meeting) => [node('li', {}, node('span', {}, meeting.started), node('b', {}, say('minutes', { n: meeting.minutes })))], say('no_meetings'));
  show('sleep', near !== 'asleep');
}

/** What stands on top: what is so, and the one thing most likely wanted next. */
function heroScene(state) {
  const { near, far, mode, link, sentence } = state;
  const mode_is = (wish) => ({ ask: 'mode', mode: wish });
  if (near === 'asleep') return { kind: 'asleep', name: 'asleep', line: say('asleep_line'), act: 'act_wake', icon: '#i-quiet', ask: mode_is('quiet') };
  if (near === 'curtain') return { kind: 'curtain', name: 'curtain', line: state.drawn ?? say('curtain_line'), act: 'act_lift', icon: '#i-curtain', ask: mode_is('quiet') };
  if (link !== 'up') return { kind: 'lost', name: `link_${link}`, line: sentence ?? say('not_linked_line') };
  if (far === 'asleep') return { kind: 'asleep', name: 'asleep', line: say('far_asleep_line') };
  if (far === 'curtain') return { kind: 'curtain', name: 'curtain', line: say('far_curtain_line') };
  if (state.knocked) return { kind: 'knocked', name: 'knocked', line: say('knocked_line'), act: 'act_answer', icon: '#i-mic', ask: { ask: 'answer' } };
  if (state.knocking) return { kind: 'knocking', name: 'knocking', line: say('knocking_line'), act: 'act_cancel', icon: '#i-stop', ask: { ask: 'cancel' } };
  switch (mode) {
    case 'talking': return { kind: mode, name: mode, line: say('talking_line'), act: 'act_end_talk', icon: '#i-quiet', ask: mode_is('quiet') };
    case 'meeting': return { kind: mode, name: mode, line: say('meeting_line'), act: 'act_end_meeting', icon: '#i-quiet', ask: mode_is('quiet') };
    case 'curtain':
    case 'asleep': return { kind: mode, name: mode, line: say(`far_${mode}_line`) };
    default: return { kind: 'quiet', name: 'quiet', line: say('quiet_line'), act: 'act_knock', icon: '#i-knock', ask: { ask: 'knock' } };
  }
}

/** News that the hero does not carry: a guest at the door, a print that waits, a turned camera, a fault beside a good link. */
function renderBanner(state) {
  const waiting = state.guests.find((guest) => !guest.admitted);
  const print = state.prints[0];
  const kind = state.banner?.kind;
  const banner =
    kind === 'turning' ? { text: state.banner.text, no: ['cancel', { ask: 'cancel' }] }
    : kind === 'denied' ? { text: state.banner.text, no: ['cancel', { ask: 'cancel' }] }
    : kind === 'share_waits' ? { text: state.banner.text, yes: ['hand_over', { ask: 'hand_over' }], no: ['keep_ours', { ask: 'keep_live' }] }
    : kind === 'input_waits' ? { text: state.banner.text, yes: ['show_it', { ask: 'show_input' }], no: ['not_now', { ask: 'leave_input' }] }
    : waiting ? { text: `${waiting.name} — ${say('waits')}`, yes: ['admit', { ask: 'admit', guest: waiting.id }], no: ['refuse', { ask: 'refuse', guest: waiting.id }] }
    : print ? { text: say('print_waits', print), yes: ['show_print', { ask: 'show_print', print: print.id }], no: ['refuse_print', { ask: 'refuse_print', print: print.id }] }
    : state.sentence && state.link === 'up' ? { text: state.sentence }
    : null;
  show('helped', state.helped);
  show('banner', banner !== null);
  if (!banner) return text('banner-text', '');
  text('banner-text', banner.text);
  for (const which of ['yes', 'no']) {
    show(`banner-${which}`, which in banner);
    if (banner[which]) {
      text(`banner-${which}`, say(banner[which][0]));
      meaning($(`banner-${which}`), banner[which][1]);
    }
  }
}

const guestRow = (own) => (guest) => {
  const press = (key, className) =>
    node('button', { class: className, 'data-ask': JSON.stringify({ ask: key, guest: guest.id }), 'aria-label': say(`${key}_name`, guest) }, say(key));
  const about = guest.id === own ? say('this_one') : guest.admitted ? '' : say('waits');
  const name = node('span', {}, node('b', {}, guest.name), about && node('small', {}, about));
  return guest.admitted ? [node('li', {}, name, press('remove', ''))] : [node('li', { class: 'waits' }, name, press('refuse', ''), press('admit', 'primary'))];
}
