import type { Uuid } from "../base/uuid.ts";

/** Chance, behind an interface so that a simulation can replay it. */
export interface Random {
  /** An integer in [0, bound). */
  below(bound: number): number;
  /** A random version-4 id that, as Kafka's, never starts with "-". */
  uuid(): Uuid;
}

export class SystemRandom implements Random {
  below(bound: number): number {
    return Math.floor(Math.random() * bound);
  }

  uuid(): Uuid {
    for (;;) {
      const hex = crypto.randomUUID().replaceAll("-", "");
      const text = Buffer.from(hex, "hex").toString("base64url");
      // A leading dash would read as an option on a command line.
      if (!text.startsWith("-")) return text as Uuid;
    }
  }
}
