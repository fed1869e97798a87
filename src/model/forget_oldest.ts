/** What is remembered has a bound: a map of more than `most` entries forgets the one that has been in it for longest. */
export function forgetOldest<K>(remembered: Map<K, unknown>, most: number): void {
  if (remembered.size > most) remembered.delete(remembered.keys().next().value!);
}
