import type { Uuid } from "../base/uuid.ts";
import type { BrokerConfig } from "../model/broker_config.ts";
import type { ErrorCode } from "../model/error_code.ts";
import { ErrorCode as Code } from "../model/error_code.ts";
import type { MetadataImage } from "./image.ts";
import type { MetadataRecord } from "./records.ts";

/**
 * Planning: a request and an image give the records that grant it, and an answer for each part of it.
 * Nothing is read or written; the plan is thrown away when the request only asks for validation.
 */
export interface PlanContext {
  readonly image: MetadataImage;
  /** With the dynamic values of the image applied. */
  readonly config: BrokerConfig;
  /** A new random id at each call. */
  readonly newId: () => Uuid;
}

export interface Plan<Result> {
  readonly records: readonly MetadataRecord[];
  readonly results: readonly Result[];
}

/** Why a part of a request is refused. Thrown inside a plan, and turned into the part's result. */
export class Refusal extends Error {
  readonly errorCode: ErrorCode;

  constructor(errorCode: ErrorCode, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

/** NONE with no message, or the refusal's. */
export interface Outcome {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

export const DONE: Outcome = { errorCode: Code.NONE, errorMessage: null };

export function refused(errorCode: ErrorCode, errorMessage: string): Outcome {
  return { errorCode, errorMessage };
}

export const UNKNOWN_TOPIC_NAME = refused(
  Code.UNKNOWN_TOPIC_OR_PARTITION,
  "This server does not host this topic-partition.",
);
export const UNKNOWN_TOPIC_ID = refused(Code.UNKNOWN_TOPIC_ID, "This server does not host this topic ID.");
export const TOO_MANY_PARTITIONS = "Excessively large number of partitions per request.";

/** Runs `part`; a Refusal becomes its outcome, anything else goes on. */
export function attempt<Value>(part: () => Value): { readonly value: Value } | { readonly refusal: Outcome } {
  try {
    return { value: part() };
  } catch (error) {
    if (error instanceof Refusal) return { refusal: refused(error.errorCode, error.message) };
    throw error;
  }
}

/** Names that occur once, and those that occur more often, each in the order of their first place. */
export function separateDuplicates(names: Iterable<string>): { unique: Set<string>; repeated: Set<string> } {
  const unique = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) {
    if (unique.delete(name)) repeated.add(name);
    else if (!repeated.has(name)) unique.add(name);
  }
  return { unique, repeated };
}
