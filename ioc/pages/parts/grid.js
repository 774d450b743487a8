// A table of texts: everything is interpolated, so that nothing is read as HTML.
// Roles are said outright, since a table that is stacked on a phone would lose those of its elements.
export default {
  props: { caption: String, hiddenCaption: Boolean, stacked: Boolean, head: Array, rows: Array },
  template: `
  <div class="ops-scroll" tabindex="0" role="region" :aria-label="caption">
    <table :class="['ops-grid', { 'ops-stacked': stacked }]" role="table">
      <caption :class="{ 'ops-unseen': hiddenCaption }">{{ caption }}</caption>
      <thead role="rowgroup"><tr role="row">
        <th v-for="cell in head" scope="col" role="columnheader" :class="cell.css">{{ cell.text }}<small v-if="cell.note">{{ cell.note }}</small></th>
      </tr></thead>
      <tbody role="rowgroup">
        <tr v-for="(row, at) in rows" :key="at" role="row">
          <component v-for="(cell, column) in row" :is="column ? 'td' : 'th'" :scope="column ? null : 'row'"
                     :role="column ? 'cell' : 'rowheader'" :data-label="stacked && column ? head[column].text : null"
                     :class="cell.css" :data-value="cell.value" :title="cell.title">
            <a v-if="cell.href" :href="cell.href">{{ cell.text }}</a><template v-else>{{ cell.text }}</template>
            <small v-if="cell.note">{{ cell.note }}</small>
          </component>
        </tr>
      </tbody>
    </table>
  </div>`,
};
