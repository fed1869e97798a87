/** The style of the page: light and dark as its reader has it, on a phone as on a desk. */
export const STYLE = `
:root { color-scheme: light dark; --edge: light-dark(#c8ccd4, #4a4f59); --soft: light-dark(#f3f4f7, #20242b); }
body { background: light-dark(#fff, #16191d); color: light-dark(#16191d, #e8eaed); overflow-wrap: anywhere; font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 0 1rem 4rem; }
a { color: light-dark(#0b57d0, #8ab4f8); }
a:focus-visible, summary:focus-visible, pre:focus-visible, .wide:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
h2 { border-bottom: 1px solid var(--edge); margin-top: 3rem; }
h3 { font-size: 1rem; }
h3 b { background: var(--soft); border: 1px solid var(--edge); border-radius: .25rem; padding: .1rem .4rem; }
article { border: 1px solid var(--edge); border-radius: .5rem; margin: 1rem 0; padding: 0 1rem 1rem; }
code, pre { font: .875rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--soft); border-radius: .25rem; max-height: 30rem; overflow: auto; padding: .75rem; }
.wide { overflow-x: auto; }
caption { text-align: left; padding: .5rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { overflow-wrap: normal; border-bottom: 1px solid var(--edge); padding: .35rem .75rem .35rem 0; text-align: left; vertical-align: top; }
td { white-space: pre-line; }
summary { cursor: pointer; padding: .35rem 0; }
nav ul { columns: 16rem; padding: 0; list-style: none; }
nav li { padding: .25rem 0; break-inside: avoid; }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
`;
