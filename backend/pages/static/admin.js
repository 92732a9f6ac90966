// Shows the page anew now and then, unless somebody is in the middle of something. The page works without this.
const main = document.querySelector("main[data-refresh]");
if (main) {
  setInterval(async () => {
    if (document.hidden || main.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { redirect: "error" }).catch(() => null);
    if (!answer || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (fresh && !main.contains(document.activeElement)) main.replaceChildren(...fresh.childNodes);
  }, 1000 * Number(main.dataset.refresh));
}
