export { startViewer, type Viewer, type ViewerOptions } from './start-viewer';
