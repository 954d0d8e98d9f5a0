// Keeps the page for when there is no network.

const RUNTIME = import.meta.resolve("@litertjs/core");

// Says in `line` where the page works. On a computer's own address
// (`artkd serve`) nothing is kept: there the server is what works offline, and
// other pages have the same address at other times.
export async function keepOffline(line) {
  if (new URL(RUNTIME).origin !== location.origin) {
    line.textContent = `LiteRT.js comes from ${new URL(RUNTIME).host}, so this
      page needs the network to start.`;
    return;
  }
  const own = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
  if (own || !navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("sw.js");
    const here = new URL("./", location).href;
    const loaded = performance.getEntriesByType("resource");
    const urls = loaded.map(({ name }) => name);
    const files = new Set([location.href, ...urls]);
    const cache = await caches.open("artkd");
    await cache.addAll([...files].filter((url) => url.startsWith(here)));
    line.textContent = "From now on this page works offline, too.";
  } catch {
    // It works all the same, as long as there is a network.
  }
}
