/** What a pixel can show; its place here is its number in a mask. */
export const sceneClasses = ['sky', 'ground', 'wall', 'ceiling', 'box', 'sphere', 'cylinder', 'cone'] as const;

export type SceneClass = (typeof sceneClasses)[number];
