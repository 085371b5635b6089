/**
 * DescribeCluster (60), versions 0-2: cluster id, brokers, controller.
 *
 * From version 1 the client says whether it asks for brokers (1) or controllers (2): on a broker's
 * listener the latter is MISMATCHED_ENDPOINT_TYPE, anything else UNSUPPORTED_ENDPOINT_TYPE.
 */
import { ErrorCode } from "../../model/error_code.ts";
import {
  describeClusterRequest,
  describeClusterResponse,
} from "../../wire/api/60_describe_cluster.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED, thisNode } from "../cluster_view.ts";

const BROKERS = 1;
const CONTROLLERS = 2;

export const describeCluster = servedApi(
  findApi(describeClusterRequest.apiKey),
  describeClusterRequest,
  describeClusterResponse,
  handle,
);

function handle(
  request: ValueOf<typeof describeClusterRequest>,
  call: Call,
): AnswerOf<typeof describeClusterResponse> {
  const { store } = call.services;
  const { endpointType } = request;
  if (endpointType !== BROKERS) {
    const isController = endpointType === CONTROLLERS;
    return {
      errorCode: isController
        ? ErrorCode.MISMATCHED_ENDPOINT_TYPE
        : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
      errorMessage: isController
        ? "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
        : `Unsupported endpoint type ${endpointType}`,
      clusterId: "",
      brokers: [],
    };
  }
  const { nodeId: brokerId, host, port, rack } = thisNode(call);
  return {
    errorCode: ErrorCode.NONE,
    clusterId: store.clusterId,
    controllerId: store.nodeId,
    brokers: [{ brokerId, host, port, rack, isFenced: false }],
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? CLUSTER_OPERATIONS
      : OPERATIONS_NOT_ASKED,
  };
}
