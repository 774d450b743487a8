// A table of texts: everything is interpolated, so that nothing is read as HTML.
export default {
  props: { caption: String, hiddenCaption: Boolean, head: Array, rows: Array },
  template: `
  <div class="ops-scroll" tabindex="0" role="region" :aria-label="caption">
    <table class="ops-grid">
      <caption :class="{ 'ops-unseen': hiddenCaption }">{{ caption }}</caption>
      <thead><tr><th v-for="cell in head" scope="col" :class="cell.css">{{ cell.text }}<small v-if="cell.note">{{ cell.note }}</small></th></tr></thead>
      <tbody>
        <tr v-for="(row, at) in rows" :key="at">
          <component v-for="(cell, column) in row" :is="column ? 'td' : 'th'" :scope="column ? null : 'row'"
                     :class="cell.css" :data-value="cell.value" :title="cell.title">
            <a v-if="cell.href" :href="cell.href">{{ cell.text }}</a><template v-else>{{ cell.text }}</template>
            <small v-if="cell.note">{{ cell.note }}</small>
          </component>
        </tr>
      </tbody>
    </table>
  </div>`,
};
