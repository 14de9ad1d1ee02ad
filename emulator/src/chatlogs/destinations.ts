import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { DestinationConfiguration } from '../chat/types.ts';
import { parseArn } from '../arns.ts';
import { iso } from '../clock.ts';

const VERSION = '1.0';

/** A place for a room's records. */
export interface Place {
  /** The same for records that belong into one file. */
  key: string;
  /** An S3 object is written once, compressed; the others grow. */
  kind: 'object' | 'stream';
  /** The file of records that came at this time, relative to the folder of all logs. */
  file: (now: number) => string;
}

/**
 * Where the records of a room go: folders stand for S3, CloudWatch Logs and Firehose, with AWS's names below them. Names
 * of buckets are unique in all of AWS; the others only in their account and Region.
 */
export function placeOf(roomArn: string, destination: DestinationConfiguration): Place {
  const { account = '', region = '', id = '' } = parseArn(roomArn) ?? {};
  const { s3, cloudWatchLogs, firehose } = destination;
  if (s3) {
    const folder = path.join('s3', folderName(s3.bucketName));
    return {
      key: `${folder} ${roomArn}`,
      kind: 'object',
      file: (now) => path.join(folder, objectKey({ account, region, id, now })),
    };
  }
  const folder = cloudWatchLogs
    ? path.join(
        'cloudwatch',
        account,
        region,
        ...cloudWatchLogs.logGroupName.split('/').filter(Boolean).map(folderName),
      )
    : path.join('firehose', account, region, folderName(firehose?.deliveryStreamName ?? ''));
  const file = cloudWatchLogs
    ? path.join(folder, 'aws', 'IVSChatLogs', VERSION, `room_${id}.log`)
    : path.join(folder, 'records.log');
  return { key: file, kind: 'stream', file: () => file };
}

/** `AWSLogs/<account>/IVSChatLogs/1.0/<region>/room_<id>/<year>/<month>/<day>/<hour>/…_<time>_<hash>.log.gz` (AWS docs). */
function objectKey(of: { account: string; region: string; id: string; now: number }): string {
  const { account, region, id, now } = of;
  const [year = '', month = '', day = '', hour = '', minute = ''] = iso(now).split(/[-T:]/);
  const name = `${account}_IVSChatLogs_${VERSION}_${region}_room_${id}_${year}${month}${day}T${hour}${minute}Z`;
  const object = `${name}_${randomBytes(4).toString('hex')}.log.gz`;
  return path.join('AWSLogs', account, 'IVSChatLogs', VERSION, region, `room_${id}`, year, month, day, hour, object);
}

/** The model allows `..` in the names of log groups and delivery streams: nothing may be written outside the folder. */
function folderName(name: string): string {
  return /^\.+$/.test(name) ? name.replaceAll('.', '%2E') : name;
}
