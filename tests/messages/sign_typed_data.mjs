// Signs typed data as ethers and viem do. In: JSON {key, messages} on stdin. Out: for each message, by either
// library, the digest, the signature of 65 bytes, the compact one, and the signature as the library's own JSON.
import { readFileSync } from "node:fs";
import { Signature, TypedDataEncoder, Wallet } from "ethers";
import { hashTypedData, parseSignature, serializeCompactSignature, signatureToCompactSignature } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const { key, messages } = JSON.parse(readFileSync(0, "utf8"));
const wallet = new Wallet(key), account = privateKeyToAccount(key);
const asJson = (value) => JSON.stringify(value, (_, each) => (typeof each === "bigint" ? each.toString() : each));

async function byEthers({ domain, types: { EIP712Domain, ...types }, message }) {
  const signature = await wallet.signTypedData(domain, types, message);
  const parts = Signature.from(signature);
  return {
    digest: TypedDataEncoder.hash(domain, types, message),
    forms: [signature, parts.compactSerialized, parts.toJSON()],
  };
}

async function byViem(typedData) {
  const signature = await account.signTypedData(typedData);
  const parts = parseSignature(signature);
  const compact = serializeCompactSignature(signatureToCompactSignature(parts));
  return { digest: hashTypedData(typedData), forms: [signature, compact, JSON.parse(asJson(parts))] };
}

const signed = [];
for (const message of messages) signed.push([await byEthers(message), await byViem(message)]);
console.log(asJson(signed));
