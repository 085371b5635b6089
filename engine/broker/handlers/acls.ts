/**
 * DescribeAcls (29), CreateAcls (30), DeleteAcls (31), versions 1-3: there is no authorization, so each
 * is answered SECURITY_DISABLED; tools ask and expect an answer.
 */
import { ErrorCode } from "../../model/error_code.ts";
import { describeAclsRequest, describeAclsResponse } from "../../wire/api/29_describe_acls.ts";
import { createAclsRequest, createAclsResponse } from "../../wire/api/30_create_acls.ts";
import { deleteAclsRequest, deleteAclsResponse } from "../../wire/api/31_delete_acls.ts";
import { findApi } from "../../wire/apis.ts";
import { servedApi } from "../call.ts";

const DISABLED = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: "No Authorizer is configured on the broker",
} as const;

export const describeAcls = servedApi(
  findApi(describeAclsRequest.apiKey),
  describeAclsRequest,
  describeAclsResponse,
  () => ({ ...DISABLED, resources: [] }),
);

export const createAcls = servedApi(
  findApi(createAclsRequest.apiKey),
  createAclsRequest,
  createAclsResponse,
  (request) => ({ results: request.creations.map(() => DISABLED) }),
);

export const deleteAcls = servedApi(
  findApi(deleteAclsRequest.apiKey),
  deleteAclsRequest,
  deleteAclsResponse,
  (request) => ({
    filterResults: request.filters.map(() => ({ ...DISABLED, matchingAcls: [] })),
  }),
);
