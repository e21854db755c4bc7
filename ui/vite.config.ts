import { defineConfig } from "vitest/config";

const SERVICE = "http://127.0.0.1:3000";

export default defineConfig({
  base: "/dashboard/",
  build: {
    outDir: "../app/dashboard/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // what is inlined would need an exception in the content security policy
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: {
    // Documents come from a service that runs beside `npm run dev`; pages and sources from here.
    proxy: {
      "/produce": SERVICE,
      "/dashboard": {
        target: SERVICE,
        bypass: (request) =>
          request.headers.accept?.includes("text/html") === true || /^\/dashboard\/(@|src|node_modules)/.test(request.url ?? "")
            ? request.url
            : undefined,
      },
    },
  },
  test: { include: ["test/**/*.test.ts"] },
});
