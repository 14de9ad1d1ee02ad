import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Settings } from '../config.ts';

/** A place outside of the database where records are kept. */
export interface Archive {
  /** Stores a whole file. The same name again replaces it. It is stored for good when this returns. */
  put(name: string, text: string): Promise<void>;
}

export interface ArchiveOptions {
  /** Region of a bucket. */
  region: string;
  /** Address of the S3 API, if it is not that of AWS. */
  endpoint: string | undefined;
}

/** The archive of the audit log, if the deployment has one. */
export function archiveOf({ auditArchiveUrl, auditArchiveEndpoint: endpoint, region }: Settings): Archive | undefined {
  return auditArchiveUrl === undefined ? undefined : archiveAt(auditArchiveUrl, { region, endpoint });
}

/** @param url a folder (`file:///var/lib/stagedoor/audit`) or a bucket, with a prefix or without (`s3://bucket/prefix`). */
export function archiveAt(url: string, options: ArchiveOptions): Archive {
  return url.startsWith('s3://') ? new BucketArchive(url, options) : new FolderArchive(fileURLToPath(url));
}

/** Files in a folder. */
class FolderArchive implements Archive {
  constructor(private readonly folder: string) {}

  async put(name: string, text: string): Promise<void> {
    const file = path.join(this.folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    const unfinished = `${file}.${process.pid}.unfinished`;
    const handle = await open(unfinished, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
    const folder = await open(path.dirname(file));
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** Objects in a bucket of S3. */
class BucketArchive implements Archive {
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly prefix: string;

  constructor(url: string, { region, endpoint }: ArchiveOptions) {
    const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(url) ?? [];
    this.bucket = bucket;
    this.prefix = prefix === '' ? '' : `${prefix}/`;
    this.client = new S3Client({
      region,
      maxAttempts: 3,
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      requestHandler: new NodeHttpHandler({
        connectionTimeout: 1_000,
        requestTimeout: 10_000,
        throwOnRequestTimeout: true, // without this the SDK only logs a warning
      }),
    });
  }

  async put(name: string, text: string): Promise<void> {
    const { bucket: Bucket, prefix } = this;
    const object = { Bucket, Key: `${prefix}${name}`, Body: text, ContentType: 'application/x-ndjson' };
    await this.client.send(new PutObjectCommand(object));
  }
}
