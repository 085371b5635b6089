/**
 * InitProducerId (22), versions 0-5 (6 is unstable and not advertised): an id for an idempotent
 * producer.
 *
 * - Without a transactional id: a new id with epoch 0 each time, from a block that the metadata log
 *   recorded before its first use.
 * - With one: COORDINATOR_NOT_AVAILABLE, because transactions are not coordinated here yet (the
 *   answer has no room for a message). An empty one is INVALID_REQUEST.
 */
import { ErrorCode } from "../../model/error_code.ts";
import { KafkaError } from "../../model/errors.ts";
import { initProducerIdRequest, initProducerIdResponse } from "../../wire/api/22_init_producer_id.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

type Response = AnswerOf<typeof initProducerIdResponse>;

export const initProducerId = servedApi(
  findApi(initProducerIdRequest.apiKey),
  initProducerIdRequest,
  initProducerIdResponse,
  handle,
);

function handle(
  request: ValueOf<typeof initProducerIdRequest>,
  call: Call,
): Response | Promise<Response> {
  const { transactionalId } = request;
  if (transactionalId === "") return failed(ErrorCode.INVALID_REQUEST);
  if (transactionalId !== null) return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  return allocate(call);
}

async function allocate(call: Call): Promise<Response> {
  try {
    const producerId = await call.services.store.allocateProducerId();
    return { errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    call.services.logger.warn(`no producer id: ${error.message}`);
    // Clients ask again after this one; a storage error they would take for the end.
    return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  }
}

function failed(errorCode: ErrorCode): Response {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
