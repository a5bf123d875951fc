// A clerk's PC: a window with a clock that machines can read, and the box's page that shares the whole screen. Told what to do by
// lines on standard input, tells what became of it by lines on standard output.
//
//   ENGAWA_URL, ENGAWA_CODE   the panel, and a room code;  DISPLAY  an X server of its own;  ENGAWA_WINDOW  its size, "1280,720"
//   ENGAWA_CLOCK              "still": it stands; "ten": ten pictures a second; "pages": no clock but pages of text; else it runs
//   ENGAWA_CLOCK              "still": it stands; "ten": ten pictures a second; else it runs
//   ENGAWA_BROWSER            "firefox": Debian's Firefox ESR over WebDriver BiDi; else Debian's Chromium
//
//   share        press 「画面を見せる」            → "pressed MS" (this machine's clock)
//   end          press 「見せるのをやめる」        → "ended"
//   state        what the page says               → "state …"
//   codecs       what this browser can send       → "codecs …"
//   stats        what it sends                    → "stats {json}"
//   turn         the next page of text           → "turned MS"
//   text         what stands on it               → "text …"
//   quit
import { createInterface } from 'node:readline';
import { chromium, firefox } from 'playwright-core';

const isFirefox = process.env.ENGAWA_BROWSER === 'firefox';
// Whatever is not on this machine is asked of a proxy that nobody runs: no update, no codec, no experiment, no telemetry.
const FIREFOX = {
  'network.proxy.type': 1, 'network.proxy.http': '127.0.0.1', 'network.proxy.http_port': 9, 'network.proxy.ssl': '127.0.0.1', 'network.proxy.ssl_port': 9,
  'network.dns.disabled': true, 'services.settings.server': 'data:,#remote-settings-dummy/v1', 'nimbus.rollouts.enabled': false,
  'app.normandy.enabled': false, 'app.shield.optoutstudies.enabled': false, 'app.update.disabledForTesting': true,
  'datareporting.policy.dataSubmissionEnabled': false, 'toolkit.telemetry.enabled': false, 'toolkit.telemetry.unified': false,
  'media.gmp-manager.updateEnabled': false, 'media.gmp-gmpopenh264.autoupdate': false,
  // The question which screen is answered, with the first one; and ICE leaves this machine's own address out unless told.
  'media.navigator.permission.disabled': true, 'media.peerconnection.ice.loopback': true,
};
const launched = () => isFirefox ? firefox.launch({
  channel: 'moz-firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr', headless: false,
  firefoxUserPrefs: FIREFOX,
}) : chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: false,
  args: [
    '--no-sandbox', '--disable-gpu', '--window-position=0,0', `--window-size=${process.env.ENGAWA_WINDOW}`, '--no-first-run', '--disable-quic',
    '--disable-background-networking', '--auto-select-desktop-capture-source=Entire screen', '--disable-features=Translate',
  ],
});
const browser = await launched();
const window = async (viewport) => (await browser.newContext({ viewport, locale: 'ja', ignoreHTTPSErrors: true })).newPage();
const panel = await window(null);
await panel.addInitScript(() => {
  const Real = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...rest) {
      super(...rest);
      globalThis.lastPeer = this;
    }
  };
});
await panel.goto(process.env.ENGAWA_URL);
await panel.fill('#code', process.env.ENGAWA_CODE);
await panel.fill('#name', '田中');
await panel.click('#enter .primary');
await panel.waitForSelector('#show-screen:visible');

// Opened last, so it lies on top.
const clock = await window(null);
const pages = process.env.ENGAWA_CLOCK === 'pages';
await clock.setContent(pages ? viewer() : `<title>clock</title><body style="margin:0;overflow:hidden"><canvas id=c></canvas><script>
  const still = ${process.env.ENGAWA_CLOCK === 'still'};
  const c = document.getElementById('c'), g = c.getContext('2d');
  const begun = Date.now();
  function draw() {
    const [w, h] = [c.width = innerWidth, c.height = innerHeight];
    g.fillStyle = '#ff00ff'; g.fillRect(0, 0, w, h);
    g.fillStyle = '#fff'; g.fillRect(w * .03, h * .03, w * .94, h * .94);
    const now = still ? begun : Date.now();
    for (let bit = 0; bit < 24; bit += 1) {
      g.fillStyle = (now >> bit) & 1 ? '#000' : '#fff';
      g.fillRect(w * (.1 + .8 * bit / 24), h * .15, w * .8 / 24 + 1, h * .15);
    }
    g.fillStyle = '#000'; g.font = '14px sans-serif';
    for (let line = 0; line < 14; line += 1) g.fillText('令和八年度の予算案について、各課から提出された資料を検討した。' + line, w * .1, h * .4 + line * 22);
    if (!still) ${process.env.ENGAWA_CLOCK === 'ten' ? 'setTimeout(draw, 100)' : 'requestAnimationFrame(draw)'};
  }
  draw(); addEventListener('resize', draw);
</script>`);
await clock.bringToFront();
if (pages) await clock.evaluate(() => globalThis.turn());
const say = (text) => process.stdout.write(`${text}\n`);
say('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'share') {
    // Only a person's own press may share the screen.
    if (isFirefox) await panel.bringToFront();
    say(`pressed ${Date.now()}`);
    await panel.click('#show-screen');
    await clock.bringToFront();
  } else if (line === 'end') {
    if (isFirefox) await panel.bringToFront();
    await panel.click('#show-end');
    say('ended');
  } else if (line === 'turn') {
    say(`turned ${await clock.evaluate(() => globalThis.turn())}`);
  } else if (line === 'text') {
    say(`text ${JSON.stringify(await clock.evaluate(() => document.getElementById('a4').innerText))}`);
  } else if (line === 'state') {
    const seen = await panel.evaluate(() => ({
      says: document.getElementById('live-says').textContent,
      own: !document.getElementById('show-end').hidden,
      notice: document.getElementById('notice')?.textContent ?? '',
    }));
    say(`state ${JSON.stringify(seen)}`);
  } else if (line === 'codecs') {
    say(`codecs ${await panel.evaluate(() => RTCRtpSender.getCapabilities('video').codecs.map(({ mimeType, sdpFmtpLine }) => `${mimeType};${sdpFmtpLine ?? ''}`).join(' '))}`);
  } else if (line === 'stats') {
    const stats = await panel.evaluate(async () => {
      const all = [...(await globalThis.lastPeer.getStats()).values()];
      const out = all.find(({ type, kind }) => type === 'outbound-rtp' && kind === 'video') ?? {};
      const codec = all.find(({ id }) => id === out.codecId) ?? {};
      const { frameWidth, frameHeight, framesPerSecond, targetBitrate, bytesSent, framesEncoded, keyFramesEncoded, encoderImplementation } = out;
      return { codec: codec.mimeType, fmtp: codec.sdpFmtpLine, frameWidth, frameHeight, framesPerSecond, targetBitrate, bytesSent, framesEncoded, keyFramesEncoded, encoderImplementation };
    });
    say(`stats ${JSON.stringify(stats)}`);
  } else if (line === 'quit') {
    break;
  }
}
await browser.close();

/** A4 at its own size in the middle of a window, 10.5 pt on a line of 22 pixels, as offices write; no two pages alike. */
function viewer() {
  return `<title>pages</title><style>
    body { margin: 0; background: #525659; overflow: hidden; }
    #a4 { box-sizing: border-box; width: 794px; height: 100vh; margin: 0 auto; padding: 40px 76px; background: #fff; overflow: hidden;
      font: 10.5pt/22px 'Noto Sans CJK JP'; color: #000; }
    h1 { font-size: 14pt; margin: 0 0 14px; }
  </style><div id=a4></div><script>
    const WHO = ['総務課', '企画調整課', '税務課', '住民生活課', '福祉保健課', '建設課', '農林水産課', '教育委員会', '会計課', '議会事務局'];
    const WHAT = ['令和八年度の予算案', '防災訓練の実施計画', '庁舎の改修工事', '窓口の受付時間', '公共施設の使用料', '戸籍の届出の方法', '道路の維持管理', '学校給食の献立', '地域の見守り活動', '水道料金の改定'];
    const DOES = ['について、各課から提出された資料を検討した。', 'に関する意見を取りまとめ、次回の会議で報告する。', 'の日程を変更することとし、関係者に通知した。', 'は、前年度と比べて三割ほど増える見込みである。', 'を進めるため、担当者を二名追加することになった。', 'の見直しを行い、六月末までに結論を出す予定である。'];
    let number = 0;
    globalThis.turn = () => new Promise((done) => {
      number += 1;
      let seed = number * 7919;
      const one = (of) => of[(seed = (seed * 1103515245 + 12345) % 2147483648, Math.floor(seed / 65536) % of.length)];
      const text = Array.from({ length: 40 }, () => one(WHO) + 'では、' + one(WHAT) + one(DOES)).join('');
      document.getElementById('a4').innerHTML = '<h1>第' + number + '回 庁内会議 議事録</h1>' + text;
      requestAnimationFrame(() => requestAnimationFrame(() => done(Date.now())));
    });
  </script>`;
}
