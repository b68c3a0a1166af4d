// What makes the pages more comfortable; every one of them works without this file.
"use strict";

const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

// Controls that only a script can serve are hidden until there is one.
each("[data-script], [data-reveal]", (element) => { element.hidden = false; });

const textOf = (element) =>
  element.children.length ? [...element.children].map((child) => child.textContent.trim()).join("\n")
    : element.textContent.replace(/\s+/g, "");

each("[data-copy]", (button) => {
  const label = button.querySelector("span");
  const before = label.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(textOf(document.getElementById(button.dataset.copy)));
      label.textContent = "Copied";
    } catch {
      label.textContent = "Not allowed here";
    }
    setTimeout(() => { label.textContent = before; }, 2000);
  });
});

each("[data-print]", (button) => button.addEventListener("click", () => window.print()));

each("[data-reveal]", (button) => {
  const input = document.getElementById(button.dataset.reveal);
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.textContent = shown ? "Show" : "Hide";
    button.setAttribute("aria-label", shown ? "Show the password" : "Hide the password");
    input.focus();
  });
});

// A second press while the first is under way would only be refused as a code that was used.
each("form[method=post]", (form) => form.addEventListener("submit", (event) => {
  if (form.action.endsWith(".txt")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
}));

// The page may come back out of the browser's history with its buttons still busy.
window.addEventListener("pageshow", () => {
  each("form", (form) => { delete form.dataset.sent; });
  each("[aria-busy]", (button) => button.removeAttribute("aria-busy"));
});

const inWords = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
each("time[datetime]", (time) => { time.textContent = inWords.format(new Date(time.dateTime)); });

document.addEventListener("keydown", (event) => {
  const search = document.querySelector("input[type=search]");
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.select();
  }
});
