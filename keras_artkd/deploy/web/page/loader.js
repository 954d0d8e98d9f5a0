// Loads LiteRT's WebAssembly, in place of the package @litertjs/wasm-utils.
//
// Whatever does not come from this folder must have the digest that index.html
// has for it, which that package does not check.

const { integrity } = JSON.parse(
  document.querySelector("script[type=importmap]").textContent,
);

// `script` is the path of a file that defines `ModuleFactory`; the
// WebAssembly itself lies beside it.
export async function createWasmLib(Library, script) {
  await run(script);
  const wasm = script.replace(/js$/, "wasm");
  const module = await new Promise((resolve, reject) => {
    globalThis
      .ModuleFactory({
        printErr: report,
        instantiateWasm(imports, done) {
          instantiate(wasm, imports).then(
            ({ instance, module }) => done(instance, module),
            reject,
          );
          return {};
        },
      })
      .then(resolve, reject);
  });
  return new Library(module);
}

// LiteRT tells what it does on the channel of errors.
function report(line) {
  if (!/^(INFO|WARNING|[IW]\d{4})/.test(line)) console.error(line);
}

function run(url) {
  const script = document.createElement("script");
  script.src = url;
  script.crossOrigin = "anonymous";
  script.integrity = integrity[url] ?? "";
  return new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${url} cannot be loaded.`));
    document.head.append(script);
  });
}

function instantiate(url, imports) {
  const response = fetch(url, { integrity: integrity[url] ?? "" });
  return WebAssembly.instantiateStreaming(response, imports);
}
