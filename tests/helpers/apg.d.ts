/** What we use of apg-js, which has no types. */
type Grammar = object;

declare const apg: {
  apgApi: new (text: string) => {
    generate: () => void;
    errors: { line: number; msg: string }[];
    toObject: () => Grammar;
  };
  apgLib: {
    parser: new () => { parse: (grammar: Grammar, rule: string, text: number[]) => { success: boolean } };
    utils: { stringToChars: (text: string) => number[] };
  };
};

export default apg;
