// The errors of this folder: a configuration that cannot be used, and a registry call that did not succeed.
// Callers branch on `code`, never on the text.

/** Why a network configuration cannot be used. */
export type ConfigErrorCode =
  | 'config-missing'
  | 'config-syntax'
  | 'config-type'
  | 'config-value'
  | 'config-unsupported'
  | 'config-backend'
  /** Another network of this host has what it asks for. */
  | 'config-conflict';

/** The network configuration in the store cannot be used; `message` says which field, why, and what to do. */
export class ConfigError extends Error {
  readonly code: ConfigErrorCode;

  constructor(code: ConfigErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
    this.code = code;
  }
}

/**
 * Why a registry call did not succeed.
 * - `exists`: the subnet to create is taken; list again and choose another.
 * - `changed`: the record, or what the claim was decided on, is no longer what was seen; list again.
 * - `config-changed`: the network config was written since it was read; read it again.
 * - `lease-gone`: the etcd lease has expired or was revoked; the record is lost.
 * - `unavailable`: the store did not answer in time or refused for now; try again later.
 * - `denied`: credentials or permissions; the message names the grant that is missing.
 * - `out-of-subnets`: every subnet of the configured range is taken.
 * - `address-taken`: another node that is alive announces our address.
 * - `node-taken`: another instance that is alive goes by our node id.
 * - `protocol`: the endpoint answered, but not as etcd v3 does.
 * - `vni`: the claims of VNIs contradict themselves, or none is left; the message names the key to look at.
 */
export type RegistryErrorCode =
  | 'exists'
  | 'changed'
  | 'config-changed'
  | 'lease-gone'
  | 'unavailable'
  | 'denied'
  | 'out-of-subnets'
  | 'address-taken'
  | 'node-taken'
  | 'protocol'
  | 'vni';

/** A call to the store of leases failed. `operation` names the call, `retryable` whether repeating it may help. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;
  readonly operation: string;
  readonly retryable: boolean;

  constructor(code: RegistryErrorCode, operation: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryError';
    this.code = code;
    this.operation = operation;
    this.retryable = code === 'unavailable' || code === 'exists' || code === 'changed';
  }
}

/**
 * Why the value of a lease key cannot be read.
 * - `too-long`, `too-deep`: beyond the bounds of lease-codec.ts; not read at all.
 * - `syntax`: not JSON. `type`: JSON, but not an object, or a field of another type than flannel's.
 * - `address`: a public address that is not one.
 */
export type LeaseFormatErrorCode = 'too-long' | 'too-deep' | 'syntax' | 'type' | 'address';

/** A value below the lease prefix is not a lease. `reason` is short and printable, fit for a log line. */
export class LeaseFormatError extends Error {
  readonly code: LeaseFormatErrorCode;
  readonly reason: string;

  constructor(code: LeaseFormatErrorCode, reason: string, options?: ErrorOptions) {
    super(`not a lease value: ${reason}`, options);
    this.name = 'LeaseFormatError';
    this.code = code;
    this.reason = reason;
  }
}
