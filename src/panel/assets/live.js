// This PC's screen on the screens of both rooms: taken by the browser, sent over WHIP (RFC 9725), named and stopped here.
//
//   press ──► getDisplayMedia ──► offer ──► POST /whip ──► 201, answer          the state's `live` ──► how much may be sent
//   stop, closed tab, the box's word ──► tracks end, DELETE
//
// May be relied on: no camera and no microphone is asked for; when the box ends a share, the browser stops taking the screen.
import { $, attr, flip, notice, pause, post, prop, say, show, text } from '/dom.js';

const MOST_FPS = 30;
const GATHER_MS = 1_000; // one network, no server to ask: addresses are there at once
const ANSWER_MS = 5_000;

const NOTHING = { moving: false, mine: [], past: [] };

let own = null; // { stream, peer, video, path, id, seen, fits }
let begins = false;

const canShow = () => Boolean(navigator.mediaDevices?.getDisplayMedia && window.RTCPeerConnection);
/** A phone's browser has no screen to give, on whatever page. */
const isPhone = () => isSecureContext || matchMedia('(hover: none) and (pointer: coarse)').matches;

export function renderLive(state, steers) {
  // Put out, as by a drawn curtain: the screen may still be shown in this room.
  const live = state.live ?? { ...NOTHING, ...state.sharing };
  follow(live);
  show('live-card', steers);
  show('door-shows', !steers && Boolean(own));
  if (!steers) return;
  const mine = own && live.mine.find(({ id }) => String(id) === own.id);
  const says = live.silent ? say('live_silent', { whose: live.shown.text })
    : mine?.front ? say('live_mine')
    : live.shown ? say('live_shown', { whose: live.shown.text })
    : live.ended ? say('live_over', { whose: live.ended.text })
    : '';
  show('live-says', Boolean(says));
  text('live-says', says);
  const waits = mine && !mine.front ? say('live_waits_mine') : live.waiting && !live.asked ? say('live_waits', { whose: live.waiting.text }) : '';
  show('live-waits', Boolean(waits));
  text('live-waits', waits);
  show('live-stop', Boolean(live.shown) && !mine?.front);
  show('show-input', Boolean(live.input));
  show('live-moving', Boolean(live.shown));
  flip('live-moving', live.moving, (moving) => ({ ask: 'moving', moving }));
  show('show-end', Boolean(own));
  show('show-screen', canShow() && !own);
  attr($('show-screen'), 'aria-busy', String(begins));
  text('show-is', say(canShow() ? 'show_is' : isPhone() ? 'show_phone' : 'show_certificate'));
  show('show-certificate', !canShow() && !isPhone());
  if (state.mode !== 'meeting') forgetToken();
}

/** What the box says of this browser's share: how much it may send, or that it is over and why. */
function follow(live) {
  if (!own?.path) return;
  const mine = live.mine.find(({ id }) => String(id) === own.id);
  const past = live.past.find(({ id }) => String(id) === own.id);
  if (mine) {
    own.seen = true;
    fit(mine, live.moving && mine.front);
  } else if (past || own.seen) {
    notice(past?.text ?? say('live_ended'));
    drop();
  }
}

async function fit({ maxBitrate, maxFramerate }, moving) {
  const wish = JSON.stringify([maxBitrate, maxFramerate, moving]);
  if (own.fits === wish) return;
  own.fits = wish;
  // Text loses frames before it loses sharpness, a moving picture the other way.
  own.stream.getVideoTracks()[0].contentHint = moving ? 'motion' : 'text';
  const parameters = own.video.sender.getParameters();
  if (!parameters.encodings?.length) return;
  Object.assign(parameters.encodings[0], { maxBitrate, maxFramerate });
  parameters.degradationPreference = moving ? 'balanced' : 'maintain-resolution';
  try {
    await own.video.sender.setParameters(parameters);
  } catch (_) {
    // The share ended meanwhile, or the browser knows better: the box re-encodes what is too much.
  }
}

async function begin() {
  if (own || begins) return;
  let stream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { max: MOST_FPS } },
      audio: true,
      selfBrowserSurface: 'exclude',
      systemAudio: 'include',
    });
  } catch (error) {
    // Whoever closes the browser's question has thought again.
    if (error.name !== 'NotAllowedError') notice(say('show_failed'));
    return;
  }
  begins = true;
  const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
  const share = { stream, peer, path: null, id: null, seen: false, fits: '' };
  own = share;
  try {
    await send(share);
  } catch (_) {
    if (own === share) {
      notice(say('no_answer'));
      stop();
    }
  }
  begins = false;
  attr($('show-screen'), 'aria-busy', 'false');
  show('show-end', Boolean(own));
  show('show-screen', !own);
}

async function send(share) {
  const { stream, peer } = share;
  const [video] = stream.getVideoTracks();
  const [audio] = stream.getAudioTracks();
  video.contentHint = 'text';
  video.addEventListener('ended', () => own === share && stop());
  share.video = peer.addTransceiver(video, { direction: 'sendonly', streams: [stream] });
  preferCodecs(share.video);
  if (audio) peer.addTransceiver(audio, { direction: 'sendonly', streams: [stream] });
  peer.addEventListener('connectionstatechange', () => {
    if (peer.connectionState !== 'failed' || own !== share) return;
    notice(say('show_cut'));
    stop();
  });
  const offer = await peer.createOffer();
  await peer.setLocalDescription({ type: 'offer', sdp: inStereo(offer.sdp) });
  await Promise.race([pause(GATHER_MS), gathered(peer)]);
  const answer = await fetch('/whip', {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: peer.localDescription.sdp,
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const place = answer.headers.get('location');
  if (answer.status !== 201 || !place) {
    const said = await answer.json();
    if (own === share) {
      notice(said.text ?? say('no_answer'));
      drop();
    }
    return;
  }
  share.path = new URL(place, location.href).pathname;
  share.id = share.path.split('/').at(-1);
  // Stopped while the box answered.
  if (own !== share) return leave(share.path);
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
}

function gathered(peer) {
  return new Promise((done) => {
    const look = () => peer.iceGatheringState === 'complete' && done();
    peer.addEventListener('icegatheringstatechange', look);
    look();
  });
}

/** H.264 as the boxes speak it passes through them untouched; VP8 is what every browser has. */
function preferCodecs(transceiver) {
  const all = RTCRtpSender.getCapabilities?.('video')?.codecs ?? [];
  const is = (name) => ({ mimeType }) => mimeType.toLowerCase() === `video/${name}`;
  const baseline = ({ sdpFmtpLine = '' }) => /profile-level-id=42[ce]0/i.test(sdpFmtpLine) && sdpFmtpLine.includes('packetization-mode=1');
  const chosen = [...all.filter(is('h264')).filter(baseline), ...all.filter(is('vp8'))];
  if (chosen.length === 0) return;
  try {
    transceiver.setCodecPreferences?.([...chosen, ...all.filter(is('rtx'))]);
  } catch (_) {
    // Its own order is fine too.
  }
}

function inStereo(sdp) {
  return sdp.replace(/^(a=fmtp:\d+ (?:(?!stereo=).)*useinbandfec=1(?:(?!stereo=).)*)$/gm, '$1;stereo=1;sprop-stereo=1');
}

/** By a person of this page, or because there is nothing more to send. */
function stop() {
  if (own?.path) leave(own.path);
  drop();
}

function leave(path) {
  // Outlives the page.
  fetch(path, { method: 'DELETE', keepalive: true }).catch(() => {});
}

/** The browser no longer takes the screen. */
function drop() {
  const share = own;
  own = null;
  if (!share) return;
  for (const track of share.stream.getTracks()) track.stop();
  share.peer.close();
  show('show-end', false);
  show('door-shows', false);
  show('show-screen', canShow());
}

$('show-screen').addEventListener('click', begin);
$('show-end').addEventListener('click', stop);
$('door-stop').addEventListener('click', stop);
addEventListener('pagehide', stop);

// ---- other senders -------------------------------------------------------------------------------------------------------

$('senders-open').addEventListener('click', () => {
  const opens = $('senders').hidden;
  show('senders', opens);
  attr($('senders-open'), 'aria-expanded', String(opens));
});
$('sender-token').addEventListener('click', async () => {
  const answer = await post('/api/live/token', {}, $('sender-token'), true);
  if (!answer?.token) return notice(answer?.text ?? say('no_answer'));
  prop($('sender-url'), 'value', new URL(answer.url, location.href).href);
  prop($('sender-key'), 'value', answer.token);
  show('sender-values', true);
  $('sender-url').focus();
});
for (const field of ['sender-url', 'sender-key']) $(field).addEventListener('focus', () => $(field).select());

function forgetToken() {
  if ($('sender-values').hidden) return;
  show('sender-values', false);
  prop($('sender-key'), 'value', '');
}
