import { z } from 'zod';
/** An object followed over frames. Durations count observed time only: a camera's silence proves nothing. */
export declare const track: z.ZodObject<
  {
    id: z.ZodNumber;
    votes: z.ZodRecord<z.ZodString, z.ZodNumber>;
    box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
    velocity: z.ZodTuple<[z.ZodNumber, z.ZodNumber], null>;
    firstUs: z.ZodNumber;
    lastUs: z.ZodNumber;
    hits: z.ZodNumber;
    scores: z.ZodArray<z.ZodNumber>;
    missedMs: z.ZodNumber;
    anchor: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
    movedUs: z.ZodNumber;
    stillMs: z.ZodNumber;
    moving: z.ZodBoolean;
    confirmed: z.ZodBoolean;
    movingSinceUs: z.ZodNumber;
    best: z.ZodObject<
      {
        atUs: z.ZodNumber;
        score: z.ZodNumber;
        box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
      },
      z.core.$strip
    >;
  },
  z.core.$strip
>;
export type Track = z.infer<typeof track>;
/** An event that has begun and not ended. */
export declare const openEvent: z.ZodObject<
  {
    id: z.ZodString;
    startUs: z.ZodNumber;
    endUs: z.ZodNumber;
    members: z.ZodArray<
      z.ZodObject<
        {
          id: z.ZodNumber;
          votes: z.ZodRecord<z.ZodString, z.ZodNumber>;
          box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
          velocity: z.ZodTuple<[z.ZodNumber, z.ZodNumber], null>;
          firstUs: z.ZodNumber;
          lastUs: z.ZodNumber;
          hits: z.ZodNumber;
          scores: z.ZodArray<z.ZodNumber>;
          missedMs: z.ZodNumber;
          anchor: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
          movedUs: z.ZodNumber;
          stillMs: z.ZodNumber;
          moving: z.ZodBoolean;
          confirmed: z.ZodBoolean;
          movingSinceUs: z.ZodNumber;
          best: z.ZodObject<
            {
              atUs: z.ZodNumber;
              score: z.ZodNumber;
              box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
            },
            z.core.$strip
          >;
        },
        z.core.$strip
      >
    >;
    best: z.ZodObject<
      {
        atUs: z.ZodNumber;
        value: z.ZodNumber;
        objects: z.ZodArray<
          z.ZodObject<
            {
              label: z.ZodString;
              score: z.ZodNumber;
              box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
            },
            z.core.$strip
          >
        >;
      },
      z.core.$strip
    >;
    updates: z.ZodNumber;
    toldUs: z.ZodNumber;
    toldLabels: z.ZodString;
  },
  z.core.$strip
>;
export type OpenEvent = z.infer<typeof openEvent>;
export declare const outgoing: z.ZodDiscriminatedUnion<
  [
    z.ZodObject<
      {
        kind: z.ZodLiteral<'event'>;
        msgID: z.ZodString;
        message: z.ZodObject<
          {
            v: z.ZodLiteral<1>;
            id: z.ZodString;
            camera: z.ZodString;
            phase: z.ZodEnum<{
              start: 'start';
              update: 'update';
              end: 'end';
            }>;
            startUs: z.ZodNumber;
            endUs: z.ZodNumber;
            labels: z.ZodArray<z.ZodString>;
            tracks: z.ZodArray<
              z.ZodObject<
                {
                  id: z.ZodNumber;
                  label: z.ZodString;
                  startUs: z.ZodNumber;
                  endUs: z.ZodNumber;
                  hits: z.ZodNumber;
                  medianScore: z.ZodNumber;
                  best: z.ZodObject<
                    {
                      atUs: z.ZodNumber;
                      score: z.ZodNumber;
                      box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                    },
                    z.core.$strip
                  >;
                },
                z.core.$strip
              >
            >;
            zones: z.ZodArray<z.ZodString>;
            bestScore: z.ZodNumber;
            best: z.ZodObject<
              {
                atUs: z.ZodNumber;
                objects: z.ZodArray<
                  z.ZodObject<
                    {
                      label: z.ZodString;
                      score: z.ZodNumber;
                      box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                    },
                    z.core.$strip
                  >
                >;
              },
              z.core.$strip
            >;
            model: z.ZodObject<
              {
                name: z.ZodString;
                sha256: z.ZodString;
                demo: z.ZodBoolean;
              },
              z.core.$strip
            >;
            endReason: z.ZodOptional<
              z.ZodEnum<{
                still: 'still';
                left: 'left';
                split: 'split';
                'camera-lost': 'camera-lost';
              }>
            >;
          },
          z.core.$strip
        >;
      },
      z.core.$strip
    >,
    z.ZodObject<
      {
        kind: z.ZodLiteral<'wanted'>;
        msgID: z.ZodString;
        message: z.ZodObject<
          {
            v: z.ZodLiteral<1>;
            eventId: z.ZodString;
            camera: z.ZodString;
            fromUs: z.ZodNumber;
            toUs: z.ZodNumber;
            event: z.ZodObject<
              {
                v: z.ZodLiteral<1>;
                id: z.ZodString;
                camera: z.ZodString;
                phase: z.ZodEnum<{
                  start: 'start';
                  update: 'update';
                  end: 'end';
                }>;
                startUs: z.ZodNumber;
                endUs: z.ZodNumber;
                labels: z.ZodArray<z.ZodString>;
                tracks: z.ZodArray<
                  z.ZodObject<
                    {
                      id: z.ZodNumber;
                      label: z.ZodString;
                      startUs: z.ZodNumber;
                      endUs: z.ZodNumber;
                      hits: z.ZodNumber;
                      medianScore: z.ZodNumber;
                      best: z.ZodObject<
                        {
                          atUs: z.ZodNumber;
                          score: z.ZodNumber;
                          box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                        },
                        z.core.$strip
                      >;
                    },
                    z.core.$strip
                  >
                >;
                zones: z.ZodArray<z.ZodString>;
                bestScore: z.ZodNumber;
                best: z.ZodObject<
                  {
                    atUs: z.ZodNumber;
                    objects: z.ZodArray<
                      z.ZodObject<
                        {
                          label: z.ZodString;
                          score: z.ZodNumber;
                          box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                        },
                        z.core.$strip
                      >
                    >;
                  },
                  z.core.$strip
                >;
                model: z.ZodObject<
                  {
                    name: z.ZodString;
                    sha256: z.ZodString;
                    demo: z.ZodBoolean;
                  },
                  z.core.$strip
                >;
                endReason: z.ZodOptional<
                  z.ZodEnum<{
                    still: 'still';
                    left: 'left';
                    split: 'split';
                    'camera-lost': 'camera-lost';
                  }>
                >;
              },
              z.core.$strip
            >;
          },
          z.core.$strip
        >;
      },
      z.core.$strip
    >,
  ],
  'kind'
>;
export type Outgoing = z.infer<typeof outgoing>;
/** All that is known of a camera's objects, versioned for the KV store. */
export declare const cameraTracks: z.ZodObject<
  {
    v: z.ZodLiteral<1>;
    camera: z.ZodString;
    lastUs: z.ZodNumber;
    nextTrack: z.ZodNumber;
    tracks: z.ZodArray<
      z.ZodObject<
        {
          id: z.ZodNumber;
          votes: z.ZodRecord<z.ZodString, z.ZodNumber>;
          box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
          velocity: z.ZodTuple<[z.ZodNumber, z.ZodNumber], null>;
          firstUs: z.ZodNumber;
          lastUs: z.ZodNumber;
          hits: z.ZodNumber;
          scores: z.ZodArray<z.ZodNumber>;
          missedMs: z.ZodNumber;
          anchor: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
          movedUs: z.ZodNumber;
          stillMs: z.ZodNumber;
          moving: z.ZodBoolean;
          confirmed: z.ZodBoolean;
          movingSinceUs: z.ZodNumber;
          best: z.ZodObject<
            {
              atUs: z.ZodNumber;
              score: z.ZodNumber;
              box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
            },
            z.core.$strip
          >;
        },
        z.core.$strip
      >
    >;
    open: z.ZodOptional<
      z.ZodObject<
        {
          id: z.ZodString;
          startUs: z.ZodNumber;
          endUs: z.ZodNumber;
          members: z.ZodArray<
            z.ZodObject<
              {
                id: z.ZodNumber;
                votes: z.ZodRecord<z.ZodString, z.ZodNumber>;
                box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                velocity: z.ZodTuple<[z.ZodNumber, z.ZodNumber], null>;
                firstUs: z.ZodNumber;
                lastUs: z.ZodNumber;
                hits: z.ZodNumber;
                scores: z.ZodArray<z.ZodNumber>;
                missedMs: z.ZodNumber;
                anchor: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                movedUs: z.ZodNumber;
                stillMs: z.ZodNumber;
                moving: z.ZodBoolean;
                confirmed: z.ZodBoolean;
                movingSinceUs: z.ZodNumber;
                best: z.ZodObject<
                  {
                    atUs: z.ZodNumber;
                    score: z.ZodNumber;
                    box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                  },
                  z.core.$strip
                >;
              },
              z.core.$strip
            >
          >;
          best: z.ZodObject<
            {
              atUs: z.ZodNumber;
              value: z.ZodNumber;
              objects: z.ZodArray<
                z.ZodObject<
                  {
                    label: z.ZodString;
                    score: z.ZodNumber;
                    box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                  },
                  z.core.$strip
                >
              >;
            },
            z.core.$strip
          >;
          updates: z.ZodNumber;
          toldUs: z.ZodNumber;
          toldLabels: z.ZodString;
        },
        z.core.$strip
      >
    >;
    model: z.ZodObject<
      {
        name: z.ZodString;
        sha256: z.ZodString;
        demo: z.ZodBoolean;
      },
      z.core.$strip
    >;
    outgoing: z.ZodArray<
      z.ZodDiscriminatedUnion<
        [
          z.ZodObject<
            {
              kind: z.ZodLiteral<'event'>;
              msgID: z.ZodString;
              message: z.ZodObject<
                {
                  v: z.ZodLiteral<1>;
                  id: z.ZodString;
                  camera: z.ZodString;
                  phase: z.ZodEnum<{
                    start: 'start';
                    update: 'update';
                    end: 'end';
                  }>;
                  startUs: z.ZodNumber;
                  endUs: z.ZodNumber;
                  labels: z.ZodArray<z.ZodString>;
                  tracks: z.ZodArray<
                    z.ZodObject<
                      {
                        id: z.ZodNumber;
                        label: z.ZodString;
                        startUs: z.ZodNumber;
                        endUs: z.ZodNumber;
                        hits: z.ZodNumber;
                        medianScore: z.ZodNumber;
                        best: z.ZodObject<
                          {
                            atUs: z.ZodNumber;
                            score: z.ZodNumber;
                            box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                          },
                          z.core.$strip
                        >;
                      },
                      z.core.$strip
                    >
                  >;
                  zones: z.ZodArray<z.ZodString>;
                  bestScore: z.ZodNumber;
                  best: z.ZodObject<
                    {
                      atUs: z.ZodNumber;
                      objects: z.ZodArray<
                        z.ZodObject<
                          {
                            label: z.ZodString;
                            score: z.ZodNumber;
                            box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                          },
                          z.core.$strip
                        >
                      >;
                    },
                    z.core.$strip
                  >;
                  model: z.ZodObject<
                    {
                      name: z.ZodString;
                      sha256: z.ZodString;
                      demo: z.ZodBoolean;
                    },
                    z.core.$strip
                  >;
                  endReason: z.ZodOptional<
                    z.ZodEnum<{
                      still: 'still';
                      left: 'left';
                      split: 'split';
                      'camera-lost': 'camera-lost';
                    }>
                  >;
                },
                z.core.$strip
              >;
            },
            z.core.$strip
          >,
          z.ZodObject<
            {
              kind: z.ZodLiteral<'wanted'>;
              msgID: z.ZodString;
              message: z.ZodObject<
                {
                  v: z.ZodLiteral<1>;
                  eventId: z.ZodString;
                  camera: z.ZodString;
                  fromUs: z.ZodNumber;
                  toUs: z.ZodNumber;
                  event: z.ZodObject<
                    {
                      v: z.ZodLiteral<1>;
                      id: z.ZodString;
                      camera: z.ZodString;
                      phase: z.ZodEnum<{
                        start: 'start';
                        update: 'update';
                        end: 'end';
                      }>;
                      startUs: z.ZodNumber;
                      endUs: z.ZodNumber;
                      labels: z.ZodArray<z.ZodString>;
                      tracks: z.ZodArray<
                        z.ZodObject<
                          {
                            id: z.ZodNumber;
                            label: z.ZodString;
                            startUs: z.ZodNumber;
                            endUs: z.ZodNumber;
                            hits: z.ZodNumber;
                            medianScore: z.ZodNumber;
                            best: z.ZodObject<
                              {
                                atUs: z.ZodNumber;
                                score: z.ZodNumber;
                                box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                              },
                              z.core.$strip
                            >;
                          },
                          z.core.$strip
                        >
                      >;
                      zones: z.ZodArray<z.ZodString>;
                      bestScore: z.ZodNumber;
                      best: z.ZodObject<
                        {
                          atUs: z.ZodNumber;
                          objects: z.ZodArray<
                            z.ZodObject<
                              {
                                label: z.ZodString;
                                score: z.ZodNumber;
                                box: z.ZodTuple<[z.ZodNumber, z.ZodNumber, z.ZodNumber, z.ZodNumber], null>;
                              },
                              z.core.$strip
                            >
                          >;
                        },
                        z.core.$strip
                      >;
                      model: z.ZodObject<
                        {
                          name: z.ZodString;
                          sha256: z.ZodString;
                          demo: z.ZodBoolean;
                        },
                        z.core.$strip
                      >;
                      endReason: z.ZodOptional<
                        z.ZodEnum<{
                          still: 'still';
                          left: 'left';
                          split: 'split';
                          'camera-lost': 'camera-lost';
                        }>
                      >;
                    },
                    z.core.$strip
                  >;
                },
                z.core.$strip
              >;
            },
            z.core.$strip
          >,
        ],
        'kind'
      >
    >;
  },
  z.core.$strip
>;
export type CameraTracks = z.infer<typeof cameraTracks>;
/** The state in these bytes; undefined when damaged or of another version: tracking then begins anew. */
export declare function decodeTracks(bytes: Uint8Array): CameraTracks | undefined;
export declare function encodeTracks(state: CameraTracks): Uint8Array;
