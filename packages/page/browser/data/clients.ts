import { createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import {
  ActionService,
  ActivityService,
  DelegationService,
  HostingService,
  LoadService,
  RefusalService,
  RegistryService,
  SecurityService,
} from '@kplug/protocol/services';
import { measureSkew } from './server-clock.ts';

const readClock: Interceptor = (next) => async (request) => {
  const response = await next(request);
  measureSkew(response.header.get('date'));
  return response;
};

/** The services are beside the page, also below the path of a proxy. */
const transport = createConnectTransport({
  baseUrl: new URL('.', document.baseURI).href,
  useBinaryFormat: true,
  interceptors: [readClock],
});

/** Clients of the operator that served the page. */
export const clients = {
  action: createClient(ActionService, transport),
  activity: createClient(ActivityService, transport),
  delegation: createClient(DelegationService, transport),
  hosting: createClient(HostingService, transport),
  load: createClient(LoadService, transport),
  refusal: createClient(RefusalService, transport),
  registry: createClient(RegistryService, transport),
  security: createClient(SecurityService, transport),
};
