// This PC's screen: asked of the browser, offered over WHIP, steered and ended by what the box says. The box's side of the line
// is a second connection within the page, and the screen is a canvas: what is tested is the page.
import { PHONE, assert, far, look, near, press, until, visitAndEnter } from './rig.mjs';

export async function showAndStop() {
  const pc = await visitAndEnter(near, '資料のPC', { init: pretends });
  await until(pc, '#show-is', { text: 'カメラもマイクも開かず' });
  await look(pc, 'live', '#live-card');
  await press(pc, '#show-screen');
  await pc.waitForFunction(() => window.whip.posted.length === 1 && window.peers[0].connectionState === 'connected');
  const [{ offer, kind }] = await pc.evaluate(() => window.whip.posted);
  const first = /m=video \d+ \S+ (\d+)/.exec(offer)[1];
  const codec = new RegExp(`a=rtpmap:${first} (\\S+)/90000`).exec(offer)[1];
  const line = offer.split(/\r?\n/).find((one) => one.startsWith(`a=fmtp:${first} `)) ?? '';
  assert(codec === 'VP8' || (/42[ce]0/.test(line) && line.includes('packetization-mode=1')), `${codec} ${line} is offered first`);
  assert(!/VP9|AV1/.test(offer) && kind === 'application/sdp', `only what the boxes speak: ${kind}`);
  assert(offer.includes('a=candidate:') && (offer.match(/a=sendonly/g) ?? []).length === 2, 'addresses, picture and sound, one way');
  assert(/a=fmtp:\d+ .*stereo=1/.test(offer), 'its sound is stereo');

  const mine = { id: 1, front: true, maxBitrate: 600_000, maxFramerate: 10 };
  const shown = { near: true, kind: 'browser', name: '資料のPC', text: 'この部屋の「資料のPC」' };
  await pretend(pc, { shown, mine: [{ ...mine, front: false }], waiting: shown });
  await until(pc, '#live-waits', { text: '聞いています' });
  await pretend(pc, { shown, mine: [mine] });
  await until(pc, '#live-says', { text: 'この端末の画面が出ています' });
  const sends = (bitrate, fps, hint) => pc.waitForFunction(([bitrate, fps, hint]) => {
    const [sender] = window.peers[0].getSenders();
    const [encoding] = sender.getParameters().encodings;
    return encoding.maxBitrate === bitrate && encoding.maxFramerate === fps && sender.track.contentHint === hint;
  }, [bitrate, fps, hint]);
  await sends(600_000, 10, 'text');
  await look(pc, 'live-mine', '#live-card');
  await pretend(pc, { shown, moving: true, mine: [{ ...mine, maxBitrate: 250_000, maxFramerate: 30 }] });
  await sends(250_000, 30, 'motion');
  await until(pc, '#live-moving', { 'aria-checked': 'true' });
  await pretend(pc, { past: [{ id: 1, why: 'taken_over', text: 'ほかの画面に替わったため、共有を終えました。' }] });
  await until(pc, '#notice', { text: '替わったため' });
  await ended(pc, 0, [], 'the box ended it: nothing is left to delete');

  await press(pc, '#show-screen');
  await pc.waitForFunction(() => window.peers[1]?.connectionState === 'connected');
  await press(pc, '#show-end');
  await ended(pc, 1, ['/whip/2'], 'stopped on the page');
  await press(pc, '#show-screen');
  await pc.waitForFunction(() => window.peers[2]?.connectionState === 'connected');
  await pc.evaluate(() => window.tracks.at(-1).find(({ kind }) => kind === 'video').dispatchEvent(new Event('ended')));
  await ended(pc, 2, ['/whip/2', '/whip/3'], 'stopped in the browser’s own bar');
  await pc.evaluate(() => { window.whip.refuses = 'いま別の画面を共有しています。'; });
  await press(pc, '#show-screen');
  await until(pc, '#notice', { text: 'いま別の画面を共有しています' });
  await ended(pc, 3, ['/whip/2', '/whip/3'], 'refused in the box’s words');

  const there = { near: false, kind: 'input', name: '', text: '相手の部屋の「映像入力」' };
  await pretend(pc, { shown: there });
  await until(pc, '#live-says', { text: '相手の部屋の「映像入力」の画面が出ています' });
  await pc.waitForSelector('#live-stop:visible');
  await look(pc, 'live-far', '#live-card');
  const question = '相手の部屋の「Suzuki」が画面を出そうとしています。';
  await pretend(pc, { shown, waiting: { ...there, name: 'Suzuki' }, asked: true }, { kind: 'share_waits', text: question });
  await until(pc, '#banner', { text: question });
  await look(pc, 'live-asked');
  await press(pc, '#banner-yes');
  await until(pc, '#notice', { text: '待っている画面はありません' });
  await pretend(pc, { ended: { ...there, why: 'vanished' } });
  await until(pc, '#live-says', { text: '共有が終わりました' });
  await press(pc, '#senders-open');
  await pc.waitForSelector('#sender-token:visible');
  await look(pc, 'live-senders', '#live-card');
  await pc.context().close();

  const phone = await visitAndEnter(far, 'Phone', { viewport: PHONE, init: cannot });
  await until(phone, '#show-is', { text: 'cannot show its screen' });
  await until(phone, '#show-screen', { hidden: true });
  await look(phone, 'live-phone', '#live-card');
  await phone.context().close();
}

async function ended(page, nth, deleted, words) {
  await page.waitForFunction((nth) => window.tracks[nth].every((track) => track.readyState === 'ended'), nth);
  await until(page, '#show-end', { hidden: true });
  await until(page, '#show-screen', { hidden: false });
  const sent = await page.evaluate(() => window.whip.deleted);
  assert(String(sent) === String(deleted), `${words}: ${sent}`);
}

const NOTHING = { shown: null, moving: false, waiting: null, asked: false, ended: null, mine: [], past: [] };
function pretend(page, live, banner = null) {
  return page.evaluate(([live, banner]) => window.pretend(live, banner), [{ ...NOTHING, ...live }, banner]);
}

/** Runs in the page before its own scripts. */
function cannot() {
  Object.defineProperty(MediaDevices.prototype, 'getDisplayMedia', { value: undefined });
}

/** The same: a canvas for a screen, a second connection for a box, and its state with another `live`. */
function pretends() {
  const Peer = window.RTCPeerConnection;
  window.peers = [];
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      window.peers.push(this);
    }
  };
  window.tracks = [];
  MediaDevices.prototype.getDisplayMedia = async () => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    setInterval(() => context.fillRect(Math.random() * 300, 9, 9, 9), 100);
    const sound = new AudioContext().createMediaStreamDestination().stream;
    const stream = new MediaStream([...canvas.captureStream(10).getTracks(), ...sound.getTracks()]);
    window.tracks.push(stream.getTracks());
    return stream;
  };
  window.whip = { posted: [], deleted: [], refuses: null };
  const fetched = window.fetch.bind(window);
  window.fetch = async (path, options = {}) => {
    if (path === '/whip') return answer(options);
    if (options.method === 'DELETE') {
      window.whip.deleted.push(path);
      return new Response(null);
    }
    const response = await fetched(path, options);
    return path === '/api/events' ? changed(response) : response;
  };
  async function answer({ body, headers }) {
    if (window.whip.refuses) return new Response(JSON.stringify({ answer: 'denied', text: window.whip.refuses }));
    window.whip.posted.push({ offer: body, kind: headers['content-type'] });
    const peer = new Peer();
    await peer.setRemoteDescription({ type: 'offer', sdp: body });
    await peer.setLocalDescription(await peer.createAnswer());
    while (peer.iceGatheringState !== 'complete') await new Promise((go) => setTimeout(go, 20));
    const location = `/whip/${window.whip.posted.length}`;
    return new Response(peer.localDescription.sdp, { status: 201, headers: { location } });
  }
  function changed(response) {
    let newest = null;
    let shown = null;
    let text = '';
    const stream = new TransformStream({
      start(out) {
        window.pretend = (live, banner) => {
          shown = { live, banner };
          out.enqueue(`data:${JSON.stringify({ ...newest, ...shown })}\n\n`);
        };
      },
      transform(piece, out) {
        const events = (text + piece).split('\n\n');
        text = events.pop();
        for (const event of events) {
          if (event.startsWith('data:')) newest = JSON.parse(event.slice(5));
          const admitted = event.startsWith('data:') && newest.live && shown;
          out.enqueue(`${admitted ? `data:${JSON.stringify({ ...newest, ...shown })}` : event}\n\n`);
        }
      },
    });
    const body = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(stream).pipeThrough(new TextEncoderStream());
    return new Response(body, { status: response.status, headers: response.headers });
  }
}
