/** A value cannot be read before something that it shares with its sender has arrived; `arrival` resolves then. */
export class NotHereYet extends Error {
  readonly arrival: Promise<void>;

  constructor(arrival: Promise<void>) {
    super('a part of the value is still on its way');
    this.arrival = arrival;
  }
}
