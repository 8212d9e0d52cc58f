export { startViewer, type Viewer } from './start-viewer';
