// The little that a page gains from a script. Without it every page and form still works.

/** Leaves a help page at once: the page is replaced, so that Back does not return to it. */
function leaveQuickly(link: HTMLAnchorElement): void {
  const leave = (event: Event): void => {
    event.preventDefault();
    document.documentElement.hidden = true;
    window.location.replace(link.href);
  };
  link.addEventListener("click", leave);
  let presses = 0;
  document.addEventListener("keyup", (event) => {
    presses = event.key === "Shift" ? presses + 1 : 0;
    if (presses === 3) leave(event);
  });
}

/** Moves focus to the summary of mistakes, so that a screen reader starts there. */
function focusMistakes(summary: HTMLElement): void {
  summary.setAttribute("tabindex", "-1");
  summary.focus();
}

/** A second press of the same button sends nothing. */
function sendOnce(form: HTMLFormElement): void {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  // A page taken from the browser's cache by Back may be sent again.
  window.addEventListener("pageshow", () => {
    sent = false;
  });
}

/** UTF-8, or what spreadsheets on Windows write where the bytes are not UTF-8. */
function readText(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** Reads a chosen file into the text field named by the button, so that it can be looked over before it is sent. */
function readFileInto(input: HTMLInputElement): void {
  const target = document.getElementById(input.dataset["fileInto"] ?? "");
  if (!(target instanceof HTMLTextAreaElement)) return;
  // Without this script choosing a file would do nothing, so the page has it hidden.
  input.closest<HTMLElement>("[hidden]")?.removeAttribute("hidden");
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (!file) return;
    void file.arrayBuffer().then(readText).then((text) => {
      target.value = text;
    });
  });
}

document.querySelectorAll<HTMLAnchorElement>("a[data-leave-quickly]").forEach(leaveQuickly);
document.querySelectorAll<HTMLFormElement>("form[method=post]").forEach(sendOnce);
document.querySelectorAll<HTMLInputElement>("input[data-file-into]").forEach(readFileInto);
const mistakes = document.querySelector<HTMLElement>(".govuk-error-summary");
if (mistakes) focusMistakes(mistakes);
