// The siren page: asks every two seconds what is to be shown, sounds for what nobody has silenced or taken on, and
// reports which messages it really showed. Needs nothing from anywhere but this server.
"use strict";
(() => {
  const EVERY_MS = 2000, LOST_MS = 10000, ANSWER_MS = 8000, KEPT_MS = 300000;
  const main = document.getElementById("main");
  const silenced = new Set(), reported = new Set();
  // messages stay on the screen for a while: the server forgets them once they were shown
  const kept = new Map();
  let asking = false, audio = null, keys = [], lastGood = Date.now(), drawn = "";

  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  const article = (one, actions) => {
    const box = make("article", "", one.severity);
    box.append(make("h2", one.vi.heading));
    for (const line of one.vi.lines) box.append(make("p", line));
    const english = make("small", [one.en.heading, ...one.en.lines].join(" · "));
    english.lang = "en";
    box.append(english, ...actions);
    return box;
  };

  const audible = () => audio !== null && audio.state === "running";

  // Two tones that alternate, as sirens do; loud, and without any file.
  const beep = (high, low, seconds) => {
    if (!audible()) return;
    const start = audio.currentTime, tone = audio.createOscillator(), volume = audio.createGain();
    tone.type = "square";
    for (let at = 0; at < seconds; at += 0.4) {
      tone.frequency.setValueAtTime(high, start + at);
      tone.frequency.setValueAtTime(low, start + at + 0.2);
    }
    volume.gain.setValueAtTime(0.5, start);
    volume.gain.setValueAtTime(0, start + seconds);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + seconds);
  };

  const sound = () => {
    const lost = Date.now() - lastGood > LOST_MS;
    if (keys.some((key) => !silenced.has(key))) beep(960, 640, 1.6);
    else if (lost) beep(440, 440, 0.4);
  };

  const send = async (path, body) => {
    const answer = await fetch(path, {
      method: "POST", credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS),
      headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(String(answer.status));
  };

  const button = (text, act) => {
    const found = make("button", text);
    found.type = "button";
    found.addEventListener("click", () => act(found));
    return found;
  };

  const take = (id) => button("✔ Xác nhận / Acknowledge", async (pressed) => {
    pressed.disabled = true;
    silenced.add("a" + id);
    try { await send("/api/v1/siren/acknowledge", { alerts: [id] }); } catch { pressed.disabled = false; }
    ask();
  });

  const drop = (id) => button("Đã xem / Seen", (pressed) => {
    kept.get(id).until = Date.now();
    pressed.closest("article").remove();
  });

  // Messages to show beside the alerts. One whose alerts were all on the screen has been shown by them, also later, when
  // somebody has taken them on.
  const beside = (found) => {
    const here = new Set(found.alerts.map((one) => one.id)), now = Date.now();
    for (const one of found.messages) if (!kept.has(one.id)) kept.set(one.id, { one, until: now + KEPT_MS });
    for (const [id, entry] of kept) {
      if (entry.one.alerts.length && entry.one.alerts.every((alert) => here.has(alert))) entry.until = now;
      if (entry.until < now - KEPT_MS) kept.delete(id);
    }
    return [...kept.values()].filter((entry) => entry.until > now).map((entry) => entry.one);
  };

  const draw = (messages, found) => {
    const seen = JSON.stringify([messages, found.alerts, found.total]);
    if (seen === drawn) return;
    drawn = seen;
    main.replaceChildren();
    for (const one of found.alerts) main.append(article(one, [take(one.id)]));
    const more = found.total - found.alerts.length;
    if (more > 0) main.append(make("p", `… và ${more} cảnh báo nữa / and ${more} more`));
    for (const one of messages) main.append(article(one, [drop(one.id)]));
    if (!main.children.length) main.append(make("p", "Không có cảnh báo nghiêm trọng / No major alert", "fine"));
  };

  const report = async (found) => {
    // what nobody can see or hear was not shown
    if (document.visibilityState !== "visible" && !audible()) return;
    const fresh = found.messages.map((one) => one.id).filter((id) => !reported.has(id));
    if (!fresh.length) return;
    await send("/api/v1/siren/shown", { messages: fresh, sound: audible() });
    for (const id of fresh) reported.add(id);
  };

  const ask = async () => {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch("/api/v1/siren", {
        credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      lastGood = Date.now();
      const messages = beside(found);
      draw(messages, found);
      keys = [...found.alerts.map((one) => "a" + one.id),
        ...messages.filter((one) => one.sounds).map((one) => "m" + one.id)];
      for (const key of silenced) if (!keys.includes(key)) silenced.delete(key);
      document.getElementById("clock").textContent = found.at.slice(11, 19);
      await report(found);
    } catch {
      // the banner tells once it lasts
    } finally {
      asking = false;
    }
  };

  const tick = () => {
    document.body.classList.toggle("away", Date.now() - lastGood > LOST_MS);
    document.body.classList.toggle("mute", !audible());
  };

  const listen = async () => {
    audio = audio || new AudioContext();
    await audio.resume();
    tick();
    sound();
  };

  document.getElementById("on").addEventListener("click", listen);
  document.getElementById("try").addEventListener("click", async () => { await listen(); beep(960, 640, 1.6); });
  document.getElementById("silence").addEventListener("click", () => { for (const key of keys) silenced.add(key); });
  document.addEventListener("visibilitychange", ask);
  // a screen that was set up for it lets pages sound without a click
  try { audio = new AudioContext(); } catch { audio = null; }
  setInterval(sound, 2000);
  setInterval(tick, 500);
  setInterval(ask, EVERY_MS);
  ask();
})();
