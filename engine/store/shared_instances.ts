export interface Sharing<Instance> {
  readonly open: () => Promise<Instance>;
  /** Counts one user more. */
  readonly join: (instance: Instance) => void;
  /** The end of an instance that is going away, or null while it is in use. */
  readonly closed: (instance: Instance) => Promise<void> | null;
}

/** Things that exist once per key: whoever opens one that is open already gets the same. */
export class SharedInstances<Instance> {
  readonly #open = new Map<string, Promise<Instance>>();

  /** An instance that is being closed is waited for, then opened anew. */
  async share(key: string, sharing: Sharing<Instance>): Promise<Instance> {
    for (let known = this.#open.get(key); known !== undefined; known = this.#open.get(key)) {
      const instance = await known.catch(() => null);
      const closed = instance === null ? null : sharing.closed(instance);
      if (instance !== null && closed === null) {
        sharing.join(instance);
        return instance;
      }
      await closed;
      if (this.#open.get(key) === known) this.#open.delete(key);
    }
    const opening = sharing.open();
    this.#open.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.#open.get(key) === opening) this.#open.delete(key);
      throw error;
    }
  }
}
