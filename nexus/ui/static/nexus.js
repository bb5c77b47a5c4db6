/* What pages do beyond plain links and forms: they stay up to date, and tell times in the reader's zone. */
"use strict";

(() => {
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const local = new Intl.DateTimeFormat("en-GB", {
    weekday: "short", day: "numeric", month: "short", year: "numeric",
    hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
  });
  const shortLocal = new Intl.DateTimeFormat("en-GB", {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });

  // The host's clock and the reader's may differ: what the page says of its own moment is believed.
  const ahead = Date.now() - new Date(document.body.dataset.now || Date.now()).getTime();

  const relative = (seconds) => {
    const away = Math.abs(seconds);
    if (away < 5) return seconds >= 0 ? "just now" : "now";
    for (const [name, size] of UNITS) {
      if (away >= size) {
        const count = Math.floor(away / size);
        const told = `${count} ${name}${count === 1 ? "" : "s"}`;
        return seconds >= 0 ? `${told} ago` : `in ${told}`;
      }
    }
    return "just now";
  };

  const tellTimes = () => {
    for (const each of document.querySelectorAll("time[data-time]")) {
      const at = new Date(each.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      if (each.dataset.time === "ago") {
        const told = relative((Date.now() - ahead - at.getTime()) / 1000);
        if (each.textContent !== told) each.textContent = told;
        if (zone !== "UTC" && !each.title.includes(" = ")) each.title = `${each.title} = ${local.format(at)}`;
      } else if (zone !== "UTC" && !each.nextElementSibling?.matches(".reader-time")) {
        const added = document.createElement("span");
        added.className = "reader-time";
        added.textContent = each.dataset.time === "zoned" ? shortLocal.format(at) : local.format(at);
        each.after(added);
      }
    }
    for (const each of document.querySelectorAll("[data-local-zone]")) {
      each.textContent = zone === "UTC" ? "" : `; titles tell yours, ${zone}`;
    }
  };

  const showConnection = (state, text) => {
    const shown = document.getElementById("live-state");
    if (!shown) return;
    const words = shown.querySelector(".live-text");
    shown.hidden = false;
    shown.dataset.state = state;
    if (words.textContent !== text) words.textContent = text;  // what is the same is not read out again
  };

  let tries = 0;
  document.addEventListener("live", () => { tries = 0; showConnection("on", "live"); });
  document.addEventListener("full", () => showConnection("off", "not live: too many pages are open"));
  document.addEventListener("htmx:sse:error", () => showConnection("off", "not live: trying again"));
  document.addEventListener("htmx:sse:close", () => showConnection("off", "not live"));

  // The library takes a stream up again that broke off, and not one that never began: that is done here, later each time.
  const beginAgain = (event) => {
    const stream = event.target;
    if (stream.id !== "stream" || stream._htmx?.sse) return;
    showConnection("off", "not live: trying again");
    const wait = Math.min(5000 * 2 ** tries++, 60000) * (0.7 + 0.6 * Math.random());
    window.setTimeout(() => window.htmx.ajax("GET", stream.getAttribute("data-hx-sse:connect"), { source: stream }), wait);
  };
  document.addEventListener("htmx:response:error", beginAgain);
  document.addEventListener("htmx:error", beginAgain);
  document.addEventListener("ended", () => window.location.reload());

  // A page that came from elsewhere, the sign-in page say, is gone to and not put into this one.
  document.addEventListener("htmx:before:swap", (event) => {
    const raw = event.detail?.ctx?.response?.raw;
    if (raw && (raw.redirected || !raw.ok)) {
      event.preventDefault();
      if (raw.redirected) window.location.reload();
    }
  });
  document.addEventListener("htmx:after:swap", tellTimes);

  // What somebody has opened stays open while the page changes under it.
  window.htmx?.registerExtension("keep-open", {
    htmx_before_morph_attr: (element, detail) => !(element.tagName === "DETAILS" && detail.attrName === "open"),
  });

  // On a narrow screen the navigation is one line that is scrolled.
  const list = document.querySelector(".side");
  const current = list?.querySelector("[aria-current]");
  if (current) list.scrollLeft = current.offsetLeft - (list.clientWidth - current.clientWidth) / 2;

  tellTimes();
  window.setInterval(tellTimes, 15000);
})();
