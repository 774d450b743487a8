// What a wall does by itself: its clock, the notice that the server is lost and the way back from that, the sound for
// critical alerts, and the key into and out of the wall mode. Needs nothing from anywhere but this server.
"use strict";
(() => {
  const LOOK_MS = 5000, ANSWER_MS = 4000, LOST_MS = 9000, DEAF_MS = 4000, RELOAD_MS = 20000;
  const HEARD = "ioc.wall.heard", SOUND = "ioc.wall.sound", MOST_HEARD = 200;
  const find = (id) => document.getElementById(id);
  const told = () => find("wall") && find("wall").dataset;

  // -- the clock: the server's Date header is whole seconds; several of them narrow down how far this machine is off
  let low = -Infinity, high = Infinity;
  const learn = (header, asked, answered) => {
    const second = Date.parse(header);
    if (!second) return;
    // the header was written between asking and the answer, and tells the second that had begun then
    const [from, to] = [second - answered, second + 1000 - asked];
    low = Math.max(low, from);
    high = Math.min(high, to);
    if (low > high) [low, high] = [from, to];
  };
  const now = () => Date.now() + (Number.isFinite(low) ? (low + high) / 2 : 0);
  const clock = (zone, locale, options) => new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: "h23", ...options });
  let shown = "", formats = null;
  const time = (at) => {
    const { zone, locale } = told();
    formats = formats || [
      clock(zone, "vi", { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
      clock(zone, locale === "vi" ? "vi" : "en-GB", { weekday: "short", day: "2-digit", month: "2-digit", year: "numeric" }),
    ];
    return formats.map((one) => one.format(at));
  };
  const tick = () => {
    const place = find("wall-clock");
    if (!place) return;
    const [hours, day] = time(now());
    if (hours + day === shown && place.firstChild) return;
    shown = hours + day;
    const small = document.createElement("small");
    small.textContent = day;
    place.replaceChildren(hours, small);
    place.setAttribute("datetime", new Date(now()).toISOString());
  };

  // -- the server: asked every few seconds, besides the connection that figures come by
  let good = Date.now(), deafSince = 0, lost = false, asking = false;
  const ask = async () => {
    if (asking) return;
    asking = true;
    const asked = Date.now();
    try {
      const answer = await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      if (!answer.ok) throw new Error(String(answer.status));
      good = Date.now();
      learn(answer.headers.get("date"), asked, good);
    } catch {
      // told once it lasts
    } finally {
      asking = false;
    }
  };
  const connected = () => Boolean(window.socket && window.socket.connected && window.did_handshake);
  const anew = (why) => {
    // once in a while: a page that can't be mended by it is not loaded again and again
    const before = Number(sessionStorage.getItem("ioc.wall.anew")) || 0;
    if (Math.abs(Date.now() - before) < 3 * RELOAD_MS) return;
    sessionStorage.setItem("ioc.wall.anew", Date.now());
    console.log(`wall: loading anew, ${why}`);
    location.reload();
  };
  const watch = () => {
    if (!told()) return;
    const at = Date.now();
    if (connected()) deafSince = 0;
    else deafSince = deafSince || at;
    const gone = at - good > LOST_MS, deaf = deafSince && at - deafSince > DEAF_MS;
    const before = lost;
    lost = Boolean(gone || deaf);
    if (lost !== before) {
      document.body.classList.toggle("wall-lost", lost);
      const popup = find("popup");
      if (popup) {
        const since = find("wall-lost-since") || document.createElement("span");
        since.id = "wall-lost-since";
        since.textContent = lost ? told().lost.replace("{at}", time(now() - (deaf ? at - deafSince : at - good))[0]) : "";
        popup.append(since);
        popup.ariaHidden = String(!lost);
      }
    }
    if (!gone && deaf && at - deafSince > RELOAD_MS) anew("the server answers, its connection does not");
    heed(at);
  };
  let beat = "", beatAt = Date.now();
  const heed = (at) => {
    const mark = find("wall-beat");
    if (!mark || mark.dataset.beat !== beat || mark.dataset.away || lost) {
      beat = mark ? mark.dataset.beat : beat;
      beatAt = at;
    } else if (at - beatAt > RELOAD_MS) anew("nothing is told any more");
  };

  // -- the sound: off until somebody switched it on in this browser, and only for alerts that are new since
  let audio = null;
  const audible = () => audio !== null && audio.state === "running";
  const wanted = () => localStorage.getItem(SOUND) === "on";
  const tone = (at, pitch, seconds) => {
    const source = audio.createOscillator(), volume = audio.createGain();
    source.type = "triangle";
    source.frequency.value = pitch;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.6, at + 0.02);
    volume.gain.setValueAtTime(0.6, at + seconds - 0.05);
    volume.gain.linearRampToValueAtTime(0, at + seconds);
    source.connect(volume).connect(audio.destination);
    source.start(at);
    source.stop(at + seconds);
  };
  const chime = (times) => {
    if (!audible()) return;
    const start = audio.currentTime + 0.05;
    for (let turn = 0; turn < times; turn++) {
      tone(start + turn * 0.9, 880, 0.35);
      tone(start + turn * 0.9 + 0.4, 660, 0.35);
    }
    document.body.dataset.chimed = String(Number(document.body.dataset.chimed || 0) + 1);
  };
  const heard = () => {
    try { return new Set(JSON.parse(localStorage.getItem(HEARD)) || []); } catch { return new Set(); }
  };
  const critical = () => {
    const mark = find("wall-beat");
    return mark && mark.dataset.critical !== undefined ? mark.dataset.critical.split(",").filter(Boolean) : null;
  };
  const remember = (ids) => localStorage.setItem(HEARD, JSON.stringify([...ids].slice(-MOST_HEARD)));
  const listen = () => {
    const open = critical();
    if (open === null) return;
    const known = heard(), fresh = open.filter((id) => !known.has(id));
    if (!fresh.length) return;
    if (wanted() && audible()) chime(3);
    // one that can't be sounded yet waits for the press that the button asks for
    if (!wanted() || audible()) remember(new Set([...known, ...fresh]));
    if (wanted()) find("wall-said").textContent = told().newCritical;
  };
  const label = () => {
    const button = find("wall-sound");
    if (!button || !told()) return;
    const waits = wanted() && !audible();
    const text = waits ? told().soundWaits : wanted() ? told().soundOff : told().soundOn;
    if (button.textContent !== text) button.textContent = text;
    button.classList.toggle("wall-waits", waits);
    button.setAttribute("aria-pressed", String(wanted() && audible()));
  };
  const press = async () => {
    if (wanted() && audible()) {
      localStorage.setItem(SOUND, "off");
    } else {
      audio = audio || new AudioContext();
      await audio.resume();
      if (!wanted()) remember(new Set([...heard(), ...(critical() || [])]));
      localStorage.setItem(SOUND, "on");
      chime(1);
    }
    label();
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("#wall-sound")) press();
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyW" && find("wall-mode")) {
      event.preventDefault();
      find("wall-mode").click();
    }
  });
  // a screen that was set up for it lets pages sound without a press
  if (wanted()) try { audio = new AudioContext(); } catch { audio = null; }
  setInterval(tick, 200);
  setInterval(watch, 500);
  setInterval(() => { listen(); label(); }, 500);
  setInterval(ask, LOOK_MS);
  ask();
})();
