// One cursor through all charts over the day, and the merit order of the interval that was picked.
(() => {
  "use strict";
  const slots = JSON.parse(document.getElementById("slots").textContent);
  const readout = document.getElementById("readout");
  const sensors = [...document.querySelectorAll(".sensor")];
  const cursors = [...document.querySelectorAll(".cursor")];
  const picker = document.getElementById("slot-picker");
  const orders = [...document.querySelectorAll("[data-merit-order]")];

  function show(interval) {
    if (!orders.some((order) => order.dataset.meritOrder === interval)) return false;
    for (const order of orders) order.hidden = order.dataset.meritOrder !== interval;
    if (picker) picker.value = interval;
    return true;
  }

  function slotAt(sensor, event) {
    const box = sensor.getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    return Math.min(slots.length - 1, Math.max(0, Math.floor(part * slots.length)));
  }

  function point(sensor, event) {
    const k = slotAt(sensor, event);
    for (const cursor of cursors) {
      const area = cursor.nextElementSibling;
      const x = area.x.baseVal.value + ((k + 0.5) / slots.length) * area.width.baseVal.value;
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      cursor.style.opacity = 0.5;
    }
    readout.replaceChildren();
    const head = document.createElement("b");
    head.textContent = slots[k].head;
    const table = document.createElement("table");
    for (const [name, value] of slots[k].rows) {
      const row = table.insertRow();
      row.insertCell().textContent = name;
      row.insertCell().textContent = value;
    }
    readout.append(head, table);
    readout.style.display = "block";
    const width = readout.offsetWidth;
    const left = event.clientX + 18 + width > window.innerWidth ? event.clientX - 18 - width : event.clientX + 18;
    readout.style.left = Math.max(4, left) + "px";
    readout.style.top = Math.min(event.clientY + 14, window.innerHeight - readout.offsetHeight - 8) + "px";
  }

  function leave() {
    readout.style.display = "none";
    for (const cursor of cursors) cursor.style.opacity = 0;
  }

  for (const sensor of sensors) {
    sensor.addEventListener("pointermove", (event) => point(sensor, event));
    sensor.addEventListener("pointerleave", leave);
    sensor.addEventListener("click", (event) => {
      if (show(slots[slotAt(sensor, event)].interval)) {
        document.getElementById("merit-order").scrollIntoView({ behavior: "smooth" });
      }
    });
  }
  if (picker) picker.addEventListener("change", () => show(picker.value));
  for (const button of document.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => show(button.dataset.show));
  }
})();
