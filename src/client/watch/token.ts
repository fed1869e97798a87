/** Access tokens for a transport: they end sooner than a watch does. */

/** A token, or what finds one that is good now; it is asked anew for each connection, or subscription, that is made. */
export type Token = string | (() => string | Promise<string>);

export const findToken = async (token: Token): Promise<string> => typeof token === "string" ? token : await token();
