/** Puts the page together: reads the city, draws it, and keeps what is drawn up to date. */

import 'maplibre-gl/dist/maplibre-gl.css';
import './styles/base.css';
import './styles/panel.css';
import './styles/controls.css';
import './styles/numbers.css';
import './styles/detail.css';
import './styles/overlays.css';
import './styles/phone.css';

import * as api from './api';
import { App } from './app';
import { byId, h } from './dom';
import { setTimeZone } from './format';
import { Store } from './store';

const RETRY_MS = 3_000;

async function start(): Promise<void> {
  const banner = byId('banner');
  try {
    const [config, zones] = await Promise.all([api.config(), api.zoneOutlines()]);
    banner.hidden = true;
    setTimeZone(config.city.time_zone);
    document.title = `${config.city.title}: 311 reports live`;
    byId('title').textContent = config.city.title;
    await new App(new Store(), config, zones).run();
  } catch (error) {
    if (!(error instanceof api.ApiError)) {
      showFailure(error);
      return;
    }
    banner.hidden = false;
    banner.textContent = `${error.message} The page keeps trying.`;
    window.setTimeout(() => void start(), RETRY_MS);
  }
}

/** A browser without WebGL, or a mistake of ours: say so, and where the numbers are. */
function showFailure(error: unknown): void {
  console.error(error);
  byId('map').replaceChildren(
    h('p', { class: 'no-map' }, 'This browser cannot draw the map (it needs WebGL 2).'),
  );
}

void start();
