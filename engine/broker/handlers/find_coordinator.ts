/**
 * FindCoordinator (10), versions 0-6: which broker coordinates a group, a transactional id or a share
 * group.
 *
 * No coordinator is served: every key is answered COORDINATOR_NOT_AVAILABLE with a message, which
 * clients treat as a passing state. An unknown kind of key is INVALID_REQUEST.
 */
import { ErrorCode } from "../../model/error_code.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../wire/api/10_find_coordinator.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

const KEY_KINDS = ["consumer groups", "transactions", "share groups"] as const;
const SHARE_KEYS_SINCE_VERSION = 6;
const MANY_KEYS_SINCE_VERSION = 4;
const NOWHERE = { nodeId: -1, host: "", port: -1 } as const;

export const findCoordinator = servedApi(
  findApi(findCoordinatorRequest.apiKey),
  findCoordinatorRequest,
  findCoordinatorResponse,
  handle,
);

function handle(
  request: ValueOf<typeof findCoordinatorRequest>,
  call: Call,
): AnswerOf<typeof findCoordinatorResponse> {
  const verdict = judge(request.keyType, call.version);
  if (call.version < MANY_KEYS_SINCE_VERSION) return { ...verdict, ...NOWHERE };
  return {
    coordinators: request.coordinatorKeys.map((key) => ({ key, ...NOWHERE, ...verdict })),
  };
}

function judge(keyType: number, version: number): { errorCode: ErrorCode; errorMessage: string } {
  const kind = KEY_KINDS[keyType];
  const isShare = kind === "share groups";
  if (kind === undefined || (isShare && version < SHARE_KEYS_SINCE_VERSION)) {
    return {
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: `Coordinator key type ${keyType} is not known in version ${version}`,
    };
  }
  return {
    errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    errorMessage: `This broker does not coordinate ${kind} yet; read partitions without a group`,
  };
}
