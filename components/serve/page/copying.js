// Copying text. The clipboard's own interface exists only where the page came over https or from this machine.

export async function copyText(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const holder = document.createElement("textarea");
  holder.value = text;
  holder.className = "unseen";
  const focused = document.activeElement;
  document.body.append(holder);
  holder.select();
  const copied = document.execCommand("copy");
  holder.remove();
  focused?.focus();
  if (!copied) throw new Error("this browser does not let the page copy");
}
