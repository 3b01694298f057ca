import { messaging } from './messaging/capability.ts';

await messaging(process.env.NATS_IMAGE ?? 'nats:{version}').serve();
