// Builds web/dist: one stylesheet, one script, the typeface. `npm run build`; no watch mode, it takes a second.
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import * as sass from "sass";

const dist = new URL("dist/", import.meta.url);
const fonts = new URL("node_modules/@fontsource-variable/atkinson-hyperlegible-next/", import.meta.url);

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });

const style = sass.compile(new URL("src/schoolgate.scss", import.meta.url).pathname, {
  loadPaths: [new URL("node_modules/govuk-frontend/dist/", import.meta.url).pathname],
  style: "compressed",
  quietDeps: true,
});
await writeFile(new URL("schoolgate.css", dist), style.css);

await build({
  entryPoints: [new URL("src/schoolgate.ts", import.meta.url).pathname],
  outfile: new URL("schoolgate.js", dist).pathname,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
});

for (const subset of ["latin", "latin-ext"]) {
  const name = `atkinson-hyperlegible-next-${subset}-wght-normal.woff2`;
  await copyFile(new URL(`files/${name}`, fonts), new URL(`hyperlegible-${subset}.woff2`, dist));
}
await copyFile(new URL("src/icon.svg", import.meta.url), new URL("icon.svg", dist));
// The typeface's licence (OFL 1.1) travels with the files.
await copyFile(new URL("LICENSE", fonts), new URL("hyperlegible-licence.txt", dist));
