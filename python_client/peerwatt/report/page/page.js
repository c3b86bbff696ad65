// One cursor through all charts over the day, the merit order of the interval that was picked, and a finder
// of households. The page says the same without any of it.
(() => {
  "use strict";
  const all = (selector) => [...document.querySelectorAll(selector)];
  const made = (name, text) => {
    const element = document.createElement(name);
    element.textContent = text;
    return element;
  };
  for (const element of all(".with-script")) element.hidden = false;
  for (const element of all(".without-script")) element.hidden = true;

  // A box takes part in the order of the tab key only where it scrolls.
  const boxes = all(".scroll[tabindex]");
  const measure = () => {
    for (const box of boxes) {
      const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      box.tabIndex = scrolls ? 0 : -1;
    }
  };
  for (const each of all("details")) each.addEventListener("toggle", measure);
  window.addEventListener("resize", measure);
  measure();

  const finder = document.getElementById("household-filter");
  if (finder) {
    const rows = all("[data-name]");
    const shown = document.getElementById("household-count");
    finder.addEventListener("input", () => {
      const letters = finder.value.trim().toLowerCase();
      const names = new Set();
      for (const row of rows) {
        row.hidden = !row.dataset.name.toLowerCase().includes(letters);
        if (!row.hidden) names.add(row.dataset.name);
      }
      shown.textContent = letters ? `${names.size} found` : "";
      measure();
    });
  }

  const data = document.getElementById("slots");
  if (!data) return;
  const slots = JSON.parse(data.textContent);
  const sensors = all(".sensor");
  const cursors = all(".cursor");
  const picker = document.getElementById("slot-picker");
  const orders = all("[data-merit-order]");
  const slider = document.getElementById("slot");
  const reading = document.getElementById("reading");
  const days = [...new Set(sensors.map((sensor) => sensor.closest(".scroll")))];
  const readout = document.createElement("div");
  readout.id = "readout";
  document.body.append(readout);
  let pinned = -1;

  function showOrders(interval) {
    if (!orders.some((order) => order.dataset.meritOrder === interval)) return;
    for (const order of orders) order.hidden = order.dataset.meritOrder !== interval;
    if (picker) picker.value = interval;
    measure();
  }

  function slotAt(sensor, event) {
    const box = sensor.getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    return Math.min(slots.length - 1, Math.max(0, Math.floor(part * slots.length)));
  }

  function moveCursors(k) {
    for (const cursor of cursors) {
      const area = cursor.nextElementSibling;
      const x = area.x.baseVal.value + ((k + 0.5) / slots.length) * area.width.baseVal.value;
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      cursor.style.opacity = k < 0 ? 0 : 0.6;
    }
  }

  // On a telephone a day is wider than the screen: all charts over it show the same hours.
  let leader = null;
  for (const box of days) {
    box.addEventListener("pointerdown", () => { leader = box; });
    box.addEventListener("scroll", () => {
      if (leader === null) leader = box;
      if (box === leader) for (const other of days) other.scrollLeft = box.scrollLeft;
    });
    box.addEventListener("scrollend", () => { leader = null; });
  }

  function bringIntoSight(k) {
    const [box] = days;
    if (!box || box.scrollWidth <= box.clientWidth) return;
    const place = ((k + 0.5) / slots.length) * box.scrollWidth;
    if (place < box.scrollLeft + 40 || place > box.scrollLeft + box.clientWidth - 40) {
      for (const each of days) each.scrollLeft = place - box.clientWidth / 2;
    }
  }

  // The page says times as they are at the place; whoever reads it elsewhere also gets their own.
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "shortOffset" });
  function ownTime(start) {
    const moment = new Date(start);
    const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(start) ?? [];
    const there = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
    return sign && there !== -moment.getTimezoneOffset() ? ` ${clock.format(moment)} on your clock` : "";
  }

  function fill(element, k) {
    const list = document.createElement("dl");
    for (const [name, value] of slots[k].rows) {
      const pair = document.createElement("div");
      pair.append(made("dt", name), made("dd", value));
      list.append(pair);
    }
    const head = made("b", slots[k].head);
    const own = ownTime(slots[k].start);
    element.replaceChildren(head, ...(own ? [made("small", own)] : []), list);
  }

  function float(k, event) {
    fill(readout, k);
    readout.style.display = "block";
    const width = readout.offsetWidth;
    const room = document.documentElement.clientWidth;
    const left = event.clientX + 18 + width > room ? event.clientX - 18 - width : event.clientX + 18;
    readout.style.left = Math.max(4, left) + "px";
    readout.style.top = Math.min(event.clientY + 14, window.innerHeight - readout.offsetHeight - 8) + "px";
  }

  function rest() {
    readout.style.display = "none";
    moveCursors(pinned);
  }

  function pin(k) {
    pinned = k;
    moveCursors(k);
    showOrders(slots[k].interval);
    if (!slider) return;
    slider.value = k;
    slider.setAttribute("aria-valuetext", slots[k].head);
    fill(reading, k);
  }

  function pick(k) {
    pin(k);
    bringIntoSight(k);
  }

  for (const sensor of sensors) {
    sensor.addEventListener("pointermove", (event) => {
      const k = slotAt(sensor, event);
      moveCursors(k);
      float(k, event);
    });
    sensor.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") rest();
    });
    // A tap or a click stays where it is: it picks the interval in the cards below and at the slider.
    sensor.addEventListener("click", (event) => {
      pin(slotAt(sensor, event));
      float(pinned, event);
    });
  }
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(".sensor")) rest();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") rest();
  });
  window.addEventListener("scroll", rest, { passive: true });
  if (slider) {
    slider.addEventListener("input", () => pick(Number(slider.value)));
    const first = picker ? slots.findIndex((slot) => slot.interval === picker.value) : 0;
    pin(Math.max(0, first));
  }
  if (picker) {
    picker.addEventListener("change", () => pick(slots.findIndex((slot) => slot.interval === picker.value)));
  }
  for (const button of all("[data-show]")) {
    button.addEventListener("click", () => pick(slots.findIndex((slot) => slot.interval === button.dataset.show)));
  }
})();
